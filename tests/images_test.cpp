// Images from files, and folders of them.
#include "images.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <png.h>
// clang-format off
#include <jpeglib.h>  // needs what cstdio declares
// clang-format on

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"
#include "ir/error.h"
#include "tests/command.h"
#include "tests/flipped_bits.h"
#include "tests/mutations.h"

namespace lathe {
namespace {

using ir::Dtype;

constexpr int width = 5, height = 3;

std::vector<std::uint8_t> pixels(int channels) {
    std::vector<std::uint8_t> all;
    for (int i = 0; i < width * height * channels; ++i) all.push_back(static_cast<std::uint8_t>(i * 37));
    return all;
}
Array array_of(int channels, const std::vector<std::uint8_t>& pixels) {
    Array array{Dtype::u8, {height, width, channels}, {}};
    for (const std::uint8_t p : pixels) array.bytes.push_back(static_cast<std::byte>(p));
    return array;
}

std::string png_of(std::uint32_t format, const std::vector<std::uint8_t>& pixels) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = width;
    image.height = height;
    image.format = format;
    png_alloc_size_t size = 0;
    EXPECT_TRUE(png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr)) << image.message;
    std::string bytes(size, '\0');
    EXPECT_TRUE(png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr)) << image.message;
    bytes.resize(size);
    return bytes;
}

std::string jpeg_of(int channels, const std::vector<std::uint8_t>& pixels) {
    jpeg_compress_struct encoder;
    jpeg_error_mgr errors;
    encoder.err = jpeg_std_error(&errors);
    jpeg_create_compress(&encoder);
    unsigned char* data = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&encoder, &data, &size);
    encoder.image_width = width;
    encoder.image_height = height;
    encoder.input_components = channels;
    encoder.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&encoder);
    jpeg_set_quality(&encoder, 100, TRUE);
    jpeg_start_compress(&encoder, TRUE);
    while (encoder.next_scanline < encoder.image_height) {
        auto* row =
            const_cast<JSAMPLE*>(pixels.data() + encoder.next_scanline * width * static_cast<unsigned>(channels));
        jpeg_write_scanlines(&encoder, &row, 1);
    }
    jpeg_finish_compress(&encoder);
    jpeg_destroy_compress(&encoder);
    const std::unique_ptr<unsigned char, decltype(&std::free)> memory(data, std::free);
    return {reinterpret_cast<const char*>(data), size};
}

std::string message_of(const std::string& bytes, ImageOptions options = {}) {
    try {
        parse_image(bytes, "x", options);
        return "";
    } catch (const UserError& e) {
        return e.message();
    }
}

TEST(Images, HaveTheirPixels) {
    EXPECT_EQ(parse_image(png_of(PNG_FORMAT_RGB, pixels(3)), "x"), array_of(3, pixels(3)));
    EXPECT_EQ(parse_image(png_of(PNG_FORMAT_GRAY, pixels(1)), "x", {.channels = 1}), array_of(1, pixels(1)));
    // JPEG loses a little of smooth pictures.
    const std::vector<std::uint8_t> grey(width * height, 100);
    EXPECT_EQ(parse_image(jpeg_of(1, grey), "x", {.channels = 1}), array_of(1, grey));
    EXPECT_EQ(parse_image(jpeg_of(1, grey), "x"), array_of(3, std::vector<std::uint8_t>(3 * width * height, 100)));
    EXPECT_EQ(parse_image(jpeg_of(3, std::vector<std::uint8_t>(3 * width * height, 100)), "x", {.channels = 1}),
              array_of(1, grey));
    // What is transparent is white.
    EXPECT_EQ(parse_image(png_of(PNG_FORMAT_RGBA, std::vector<std::uint8_t>(4 * width * height, 0)), "x"),
              array_of(3, std::vector<std::uint8_t>(3 * width * height, 255)));
}

TEST(Images, RefuseWhatIsNone) {
    EXPECT_EQ(message_of(""), "x: is neither JPEG nor PNG");
    EXPECT_EQ(message_of("text"), "x: is neither JPEG nor PNG");
    EXPECT_EQ(message_of(png_of(PNG_FORMAT_RGB, pixels(3)), {.channels = 4}), "x: an image has 1 or 3 channels, not 4");
    const std::vector<std::string> good = {png_of(PNG_FORMAT_RGB, pixels(3)), jpeg_of(3, pixels(3))};
    constexpr std::size_t behind_pixels = 16;  // a checksum, and the chunk that ends the file: nobody misses them
    for (std::size_t length = 0; length + behind_pixels < good[0].size(); ++length)
        EXPECT_NE(message_of(good[0].substr(0, length)), "") << length;
    const auto look = [](const std::string& bytes) { message_of(bytes); };
    for (const std::string& bytes : good) for_each_flipped_bit(bytes, look);
    testing_support::for_each_mutation(good, look);
}

class ImageFolders : public testing_support::InFolder {};

TEST_F(ImageFolders, HaveAFolderForEachClass) {
    for (const char* const name : {"dog", "cat", ".hidden"}) std::filesystem::create_directory(folder_ / name);
    write("dog/b.png", png_of(PNG_FORMAT_RGB, pixels(3)));
    for (const char* const name : {"dog/a.JPG", "cat/z.jpeg", "cat/notes.txt", "cat/.x.png", ".hidden/a.png", "a.png"})
        write(name, "");
    const ImageFolder folder = list_image_folder(folder_);
    EXPECT_EQ(folder.classes, (std::vector<std::string>{"cat", "dog"}));
    std::vector<std::pair<std::string, std::int64_t>> images;
    for (const auto& [path, label] : folder.images) images.emplace_back(path.substr(folder_.string().size()), label);
    EXPECT_EQ(images, (std::vector<std::pair<std::string, std::int64_t>>{
                          {"/cat/z.jpeg", 0}, {"/dog/a.JPG", 1}, {"/dog/b.png", 1}}));
    EXPECT_EQ(read_image(folder.images[2].path), array_of(3, pixels(3)));
    EXPECT_THROW(list_image_folder(folder_ / "dog"), FormatError);
    EXPECT_THROW(list_image_folder(folder_ / "absent"), FormatError);
    EXPECT_THROW(read_image(folder_ / "absent.png"), FormatError);
}

}  // namespace
}  // namespace lathe
