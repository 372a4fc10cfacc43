/* Images from JPEG and PNG files. Plain C: libjpeg leaves by longjmp, and programs around compiled models use it, too.
 */
#ifndef LATHE_DECODE_IMAGE_H
#define LATHE_DECODE_IMAGE_H

#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct DecodedImage {
    int64_t height, width;
    uint8_t* pixels; /* the channels of each pixel, row by row; the caller frees them */
} DecodedImage;

/* Reads a file, of either kind by its first bytes. Channels: 1, grey, or 3, red, green and blue. What is transparent is
   white. Returns null, or why it failed: a text that stays until the thread's next call. */
const char* decode_image(FILE* file, int channels, DecodedImage* out);

/* The same of a file by its name, with 3 channels. */
const char* decode_image_at(const char* path, DecodedImage* out);

#ifdef __cplusplus
}
#endif
#endif
