/* Images from JPEG and PNG files. Plain C. */
#ifndef LATHE_EXAMPLES_IMAGE_H
#define LATHE_EXAMPLES_IMAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Image {
    int64_t height, width;
    uint8_t* pixels; /* red, green and blue of each pixel, row by row; the caller frees them */
} Image;

/* Reads a file, of either kind by its first bytes. What is transparent is white. Returns null, or why it failed: a text
   that stays until the thread's next call. */
const char* read_image(const char* path, Image* out);

#ifdef __cplusplus
}
#endif
#endif
