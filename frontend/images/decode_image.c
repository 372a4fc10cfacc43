#include "frontend/images/decode_image.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <jpeglib.h>  // needs what stdio.h declares
// clang-format on

static _Thread_local char reason[JMSG_LENGTH_MAX];

static const int64_t most_pixels = (int64_t)1 << 28;

static uint8_t* pixels_of(DecodedImage* out, int64_t height, int64_t width, int channels) {
    if (height <= 0 || width <= 0 || width > most_pixels / height) return NULL;
    out->height = height;
    out->width = width;
    return out->pixels = malloc((size_t)(height * width * channels));
}

/* libjpeg ends the process on errors where nobody jumps out of them. */
typedef struct jpeg_failure {
    struct jpeg_error_mgr manager;
    jmp_buf out;
} jpeg_failure;

static void leave(j_common_ptr decoder) {
    decoder->err->format_message(decoder, reason);
    longjmp(((jpeg_failure*)decoder->err)->out, 1);
}
static void say_nothing(j_common_ptr decoder) { (void)decoder; }

static const char* read_jpeg(FILE* file, int channels, DecodedImage* out) {
    struct jpeg_decompress_struct decoder;
    jpeg_failure failure;
    decoder.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = leave;
    failure.manager.output_message = say_nothing;
    if (setjmp(failure.out)) {
        jpeg_destroy_decompress(&decoder);
        free(out->pixels);
        out->pixels = NULL;
        return reason;
    }
    jpeg_create_decompress(&decoder);
    jpeg_stdio_src(&decoder, file);
    jpeg_read_header(&decoder, TRUE);
    decoder.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&decoder);
    if (!pixels_of(out, decoder.output_height, decoder.output_width, channels)) {
        jpeg_destroy_decompress(&decoder);
        return "the image is too large";
    }
    while (decoder.output_scanline < decoder.output_height) {
        JSAMPROW row = out->pixels + (int64_t)decoder.output_scanline * out->width * channels;
        jpeg_read_scanlines(&decoder, &row, 1);
    }
    jpeg_finish_decompress(&decoder);
    jpeg_destroy_decompress(&decoder);
    return NULL;
}

static const char* read_png(FILE* file, int channels, DecodedImage* out) {
    png_image decoder = {.version = PNG_IMAGE_VERSION};
    const png_color white = {255, 255, 255};
    if (png_image_begin_read_from_stdio(&decoder, file)) {
        decoder.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
        if (!pixels_of(out, decoder.height, decoder.width, channels)) {
            png_image_free(&decoder);
            return "the image is too large";
        }
        if (png_image_finish_read(&decoder, &white, out->pixels, 0, NULL)) return NULL;
        free(out->pixels);
        out->pixels = NULL;
    }
    snprintf(reason, sizeof reason, "%s", decoder.message);
    return reason;
}

const char* decode_image(FILE* file, int channels, DecodedImage* out) {
    unsigned char first[8] = {0};
    *out = (DecodedImage){0, 0, NULL};
    const size_t got = fread(first, 1, sizeof first, file);
    rewind(file);
    if (got == sizeof first && png_sig_cmp(first, 0, sizeof first) == 0) return read_png(file, channels, out);
    if (first[0] == 0xff && first[1] == 0xd8) return read_jpeg(file, channels, out);
    return "is neither JPEG nor PNG";
}

const char* decode_image_at(const char* path, DecodedImage* out) {
    *out = (DecodedImage){0, 0, NULL};
    FILE* file = fopen(path, "rb");
    if (!file) return strerror(errno);
    const char* const failed = decode_image(file, 3, out);
    fclose(file);
    return failed;
}
