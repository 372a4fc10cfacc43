// The programs in tools/examples, with models that others trained.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <png.h>
// clang-format off
#include <jpeglib.h>  // needs what cstdio declares
// clang-format on

#include <gtest/gtest.h>

#include "frontend/formats/csv.h"
#include "tests/command.h"
#include "tools/examples/files/wav.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;
using testing_support::Outcome;

class Examples : public testing_support::InFolder {
protected:
    const fs::path models_ = fs::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "models";

    Outcome example(const std::string& arguments) const {
        return run_here("'" LATHE_BINARY_DIR "/examples/'" + arguments);
    }
};

// ---- classify

struct Picture {
    std::size_t height = 0, width = 0;
    std::vector<std::uint8_t> pixels;  // red, green and blue
};

// A digit of 8 x 8 grey levels up to 16, drawn with dark blue ink in the middle of a sheet, or with chalk.
Picture draw(const std::uint8_t* digit, std::size_t height, std::size_t width, bool chalk) {
    Picture out{height, width, {}};
    // How dark the place is, in [0, 1]; linear between the levels, nothing around them.
    const auto level = [&](std::ptrdiff_t row, std::ptrdiff_t column) {
        return row < 0 || column < 0 || row > 7 || column > 7 ? 0.0 : digit[row * 8 + column] / 16.0;
    };
    const auto place = [](std::size_t i, std::size_t extent) {
        return ((static_cast<double>(i) + 0.5) / static_cast<double>(extent) - 0.5) * 11 + 3.5;
    };
    for (std::size_t i = 0; i < height; ++i)
        for (std::size_t j = 0; j < width; ++j) {
            const double y = place(i, height), x = place(j, width), top = std::floor(y), left = std::floor(x);
            const auto row = static_cast<std::ptrdiff_t>(top), column = static_cast<std::ptrdiff_t>(left);
            const double above = std::lerp(level(row, column), level(row, column + 1), x - left);
            const double below = std::lerp(level(row + 1, column), level(row + 1, column + 1), x - left);
            const double ink = std::lerp(above, below, y - top);
            for (const double shade : {200.0, 190.0, 130.0})
                out.pixels.push_back(static_cast<std::uint8_t>(chalk ? 40 + shade * ink : 240 - shade * ink));
        }
    return out;
}

void write_png(const std::string& path, const Picture& picture) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(picture.width);
    image.height = static_cast<png_uint_32>(picture.height);
    image.format = PNG_FORMAT_RGB;
    ASSERT_TRUE(png_image_write_to_file(&image, path.c_str(), 0, picture.pixels.data(), 0, nullptr)) << image.message;
}

void write_jpeg(const std::string& path, const Picture& picture) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), &std::fclose);
    ASSERT_TRUE(file);
    jpeg_compress_struct encoder;
    jpeg_error_mgr errors;
    encoder.err = jpeg_std_error(&errors);
    jpeg_create_compress(&encoder);
    jpeg_stdio_dest(&encoder, file.get());
    encoder.image_width = static_cast<JDIMENSION>(picture.width);
    encoder.image_height = static_cast<JDIMENSION>(picture.height);
    encoder.input_components = 3;
    encoder.in_color_space = JCS_RGB;
    jpeg_set_defaults(&encoder);
    jpeg_start_compress(&encoder, TRUE);
    for (std::size_t i = 0; i < picture.height; ++i) {
        auto* row = const_cast<std::uint8_t*>(picture.pixels.data() + 3 * i * picture.width);
        jpeg_write_scanlines(&encoder, &row, 1);
    }
    jpeg_finish_compress(&encoder);
    jpeg_destroy_compress(&encoder);
}

// Images of all sizes and both kinds, with one program; ahead of time in C, the same bits.
TEST_F(Examples, ClassifyNamesTheDigitsOfImages) {
    const fs::path mnist = models_ / "mnist-8.onnx";
    if (!fs::exists(mnist)) GTEST_SKIP() << "SKIPPED: there is no " << mnist;
    const Array digits = read_csv(LATHE_SOURCE_DIR "/tools/data/digits.csv.gz", ir::Dtype::u8);
    constexpr std::size_t pixels = 64, rows = 30;
    std::string images;
    std::vector<char> shown;
    for (std::size_t k = 0; k < rows; ++k) {
        const auto* const row = reinterpret_cast<const std::uint8_t*>(digits.bytes.data()) + k * (pixels + 1);
        const std::size_t height = 40 + 23 * k, width = k % 3 == 0 ? height : height + 9 * k;
        const Picture picture = draw(row, height, width, k % 4 == 1);
        const std::string name = "image" + std::to_string(k) + (k % 2 == 0 ? ".png" : ".jpg");
        (k % 2 == 0 ? write_png : write_jpeg)(folder_ / name, picture);
        images += " " + name;
        shown.push_back(static_cast<char>('0' + row[pixels]));
    }
    const Outcome jit = example("classify '" + mnist.string() + "'" + images + " 2>messages");
    ASSERT_EQ(jit.status, 0) << run_here("cat messages").output;
    std::istringstream lines(jit.output);
    std::size_t right = 0;
    for (std::size_t k = 0; k < rows; ++k) {
        std::string name;
        char digit = 0;
        std::string probability;
        lines >> name >> digit >> probability;
        right += digit == shown[k] ? 1 : 0;
    }
    // The model was trained on finer images of other hands.
    EXPECT_GE(right, 27U) << jit.output;

    ASSERT_EQ(example("classify '" + mnist.string() + "' --compile digit.o"), (Outcome{0, ""}));
    const std::string root = LATHE_SOURCE_DIR;
    ASSERT_EQ(run_here(LATHE_CC " -Wall -Wextra -Werror -I. -I'" + root + "' '" + root +
                       "/tools/examples/ahead/classify.c' '" + root +
                       "/frontend/images/decode_image.c' digit.o -ljpeg -lpng -o classify"),
              (Outcome{0, ""}));
    EXPECT_EQ(run_here("./classify" + images), jit);
}

TEST_F(Examples, ClassifyRefusesWhatIsNoImage) {
    const fs::path mnist = models_ / "mnist-8.onnx";
    if (!fs::exists(mnist)) GTEST_SKIP() << "SKIPPED: there is no " << mnist;
    const std::string command = "classify '" + mnist.string() + "' ";
    write("words.jpg", "no image");
    write("cut.png", "\x89PNG\r\n\x1a\n");
    write("cut.jpg", "\xff\xd8\xff\xe0");
    EXPECT_EQ(example(command + "absent.png"), (Outcome{1, "classify: absent.png: No such file or directory\n"}));
    EXPECT_EQ(example(command + "words.jpg"), (Outcome{1, "classify: words.jpg: is neither JPEG nor PNG\n"}));
    for (const std::string file : {"cut.png", "cut.jpg"}) {
        const Outcome o = example(command + file);
        EXPECT_EQ(o.status, 1) << o.output;
        EXPECT_EQ(o.output.find("classify: " + file + ": "), 0U) << o.output;
    }
}

// ---- trainings, at a small size: what they print, and that they find their figures good enough (exit status 0)

struct Training {
    std::string name;
    std::string data;                    // a file of shared/testdata, or an absolute path; empty: what comes with Lathe
    std::vector<std::string> figures;    // the lines that it prints begin so, among others
    double least = 0, most = 0;          // the last of them has a number between these
    std::vector<std::string> falling{};  // numbers of lines that begin so are less from each to the next

    friend void PrintTo(const Training& t, std::ostream* to) { *to << t.name; }
};

// The first number behind what a line of the output begins with; NaN without such a line.
double number_behind(const std::string& output, const std::string& begin) {
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(begin)) continue;
        const std::size_t digit = line.find_first_of("0123456789", begin.size());
        if (digit != std::string::npos) return std::stod(line.substr(digit));
    }
    return std::nan("");
}

class Trainings : public Examples, public testing::WithParamInterface<Training> {};

TEST_P(Trainings, PrintWhatTheyFound) {
    const Training& training = GetParam();
    const fs::path data = training.data.empty() ? fs::path() : models_.parent_path() / training.data;
    if (!training.data.empty() && !fs::exists(data)) GTEST_SKIP() << "SKIPPED: there is no " << data;
    const Outcome o = example(training.name + " --quick" + (data.empty() ? "" : " '" + data.string() + "'"));
    EXPECT_EQ(o.status, 0) << o.output;
    for (const std::string& figure : training.figures)
        EXPECT_NE(("\n" + o.output).find("\n" + figure), std::string::npos) << figure << " in\n" << o.output;
    const double last = number_behind(o.output, training.figures.back());
    EXPECT_TRUE(last >= training.least && last <= training.most) << last << " in\n" << o.output;
    for (std::size_t i = 1; i < training.falling.size(); ++i)
        EXPECT_LT(number_behind(o.output, training.falling[i]), number_behind(o.output, training.falling[i - 1]))
            << o.output;
}

INSTANTIATE_TEST_SUITE_P(
    Quick, Trainings,
    testing::Values(Training{"fashion",
                             "/usr/share/datasets/fashion-mnist",
                             {"training ", "test accuracy"},
                             70,
                             100,
                             {"epoch 1  ", "epoch 2  "}},
                    Training{"shakespeare",
                             "datasets/tinyshakespeare.txt",
                             {"loss after"},
                             0,
                             1e9,
                             {"loss before training", "loss after  120 steps"}},
                    Training{"names",
                             "datasets/names.txt",
                             {"loss after 1 epochs"},
                             1.5,
                             2.7,
                             {"loss before training", "loss after 1 epochs"}},
                    Training{"regression",
                             "",
                             {"line: squared error", "line: from the exact", "odd or even      "},
                             85,
                             100,
                             {"odd or even: step  1   loss", "odd or even: step  2   loss"}},
                    Training{"newton",
                             "",
                             {"Rosenbrock  step  7    f = 0 ", "Rosenbrock             ", "logistic               "},
                             0.8,
                             1},
                    Training{"vae", "", {"held-out bound"}, 20, 60},
                    Training{"fine_tune",
                             "checkpoints/mnist.pt",
                             {"checkpoint             376520", "as it came", "body                   equals",
                              "with a new head"},
                             85,
                             100},
                    Training{"serve",
                             "",
                             {"1 thread ", "4 threads",
                              "results                equal those of all rows at once, bit for bit", "2 threads"},
                             1,
                             1e9}),
    [](const testing::TestParamInfo<Training>& each) { return each.param.name; });

// What tools/demo ends with: accuracy, and the bits of the executable.
TEST_F(Examples, DigitsAreLearnt) {
    const Outcome o = example("digits");
    EXPECT_EQ(o.status, 0) << o.output;
    EXPECT_NE(o.output.find("executable's logits    equal those of the JIT, bit for bit"), std::string::npos)
        << o.output;
}

TEST_F(Examples, TrainingsSayWhatTheyNeed) {
    for (const std::string name : {"shakespeare", "names", "fine_tune"}) {
        const Outcome o = example(name);
        EXPECT_EQ(o.status, 1) << o.output;
        EXPECT_EQ(o.output.find(name + ": wants the path of "), 0U) << o.output;
        EXPECT_EQ(example(name + " absent"), (Outcome{1, name + ": absent: No such file or directory\n"}));
        EXPECT_EQ(example(name + " --fast"), (Outcome{2, "usage: " + name + " [--quick] [PATH]\n"}));
    }
    write("names.txt", "emma\nno name\n");
    EXPECT_EQ(example("names names.txt"),
              (Outcome{1, "names: names.txt: 'no name' has other characters than a to z\n"}));
}

// ---- denoise

// A tone like a voice's in every second half, with noise all the time.
std::vector<float> noisy_voice(std::size_t length) {
    std::vector<float> samples(length);
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < length; ++i) {
        state = state * 1664525 + 1013904223;
        double x = 0.2 * (static_cast<double>(state >> 8) * 0x1p-24 - 0.5);
        for (int k = 1; k < 20 && i / 8000 % 2 == 1; ++k)
            x += 0.12 / k * std::sin(2 * M_PI * 150 * k * static_cast<double>(i) / 16000);
        samples[i] = static_cast<float>(x);
    }
    return samples;
}

double level(const std::vector<float>& samples, std::size_t from, std::size_t count) {
    double power = 0;
    for (std::size_t i = from; i < from + count; ++i) power += static_cast<double>(samples[i]) * samples[i];
    return std::sqrt(power / static_cast<double>(count));
}

TEST_F(Examples, DenoiseKeepsTheVoiceAndDropsTheNoise) {
    if (!fs::exists(models_ / "dtln_1.onnx")) GTEST_SKIP() << "SKIPPED: there are no models at " << models_;
    const Wav noisy{16000, 1, noisy_voice(32000)};
    write_wav(folder_ / "noisy.wav", noisy);
    const Outcome o = example("denoise '" + models_.string() + "' noisy.wav clean.wav");
    EXPECT_EQ(o.status, 0) << o.output;
    EXPECT_NE(o.output.find("the samples equal those of the hops, bit for bit"), std::string::npos) << o.output;
    const Wav clean = read_wav(folder_ / "clean.wav");
    EXPECT_EQ(clean.rate, 16000U);
    ASSERT_EQ(clean.samples.size(), noisy.samples.size());
    // Roots of mean squares of quarters of a second, before and after: those after are what NumPy and onnxruntime made
    // of the same samples with the same models.
    constexpr std::pair<double, double> levels[] = {{0.057906, 0.002545}, {0.057586, 0.002581}, {0.121011, 0.102704},
                                                    {0.122867, 0.104397}, {0.057761, 0.006856}, {0.058173, 0.003134},
                                                    {0.121220, 0.102584}, {0.121396, 0.102691}};
    for (std::size_t k = 0; k < std::size(levels); ++k) {
        EXPECT_NEAR(level(noisy.samples, 4000 * k, 4000), levels[k].first, 2e-5) << k;
        EXPECT_NEAR(level(clean.samples, 4000 * k, 4000), levels[k].second, 2e-5) << k;
    }
}

TEST_F(Examples, DenoiseRefusesOtherRecordings) {
    if (!fs::exists(models_ / "dtln_1.onnx")) GTEST_SKIP() << "SKIPPED: there are no models at " << models_;
    const std::string command = "denoise '" + models_.string() + "' ";
    write_wav(folder_ / "stereo.wav", {16000, 2, std::vector<float>(20)});
    write_wav(folder_ / "slow.wav", {8000, 1, std::vector<float>(20)});
    write_wav(folder_ / "short.wav", {16000, 1, std::vector<float>(20)});
    write("words.wav", "no recording");
    EXPECT_EQ(example(command + "stereo.wav o.wav"),
              (Outcome{1, "denoise: stereo.wav: has 2 channels at 16000 Hz; the models want one at 16000 Hz\n"}));
    EXPECT_EQ(example(command + "slow.wav o.wav"),
              (Outcome{1, "denoise: slow.wav: has 1 channels at 8000 Hz; the models want one at 16000 Hz\n"}));
    EXPECT_EQ(example(command + "words.wav o.wav"), (Outcome{1, "denoise: words.wav: is no WAV file\n"}));
    EXPECT_EQ(example(command + "absent.wav o.wav"), (Outcome{1, "denoise: absent.wav: cannot be read\n"}));
    EXPECT_EQ(example(command + "short.wav absent/o.wav"), (Outcome{1, "denoise: absent/o.wav: cannot be written\n"}));
    EXPECT_EQ(example("denoise . short.wav o.wav").status, 1) << "there are no models";
    EXPECT_EQ(example(command + "short.wav o.wav").status, 0);
    EXPECT_EQ(read_wav(folder_ / "o.wav").samples.size(), 20U);
}

TEST(Wav, ReadsWhatItWrites) {
    const std::string path = fs::temp_directory_path() / ("lathe-" + std::to_string(getpid()) + ".wav");
    write_wav(path, {44100, 2, {0, 0.5F, -1, 1, -2, 0x1p-15F}});
    const Wav read = read_wav(path);
    EXPECT_EQ(read.rate, 44100U);
    EXPECT_EQ(read.channels, 2U);
    EXPECT_EQ(read.samples, (std::vector<float>{0, 0.5F, -1, 1 - 0x1p-15F, -1, 0x1p-15F}));
    for (std::uintmax_t size = fs::file_size(path); size-- > 0;) {
        fs::resize_file(path, size);
        try {
            EXPECT_LT(read_wav(path).samples.size(), 6U);
        } catch (const std::runtime_error&) {
            continue;  // refused
        }
    }
    fs::remove(path);
}

}  // namespace
}  // namespace lathe
