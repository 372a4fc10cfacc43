// Files of torch.save: what they hold, by Python's own account of it, and what is refused in them.
#include "frontend/checkpoint/pytorch.h"

#include <filesystem>
#include <fstream>
#include <zlib.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "frontend/checkpoint/checkpoint.h"
#include "frontend/formats/read_file.h"
#include "frontend/formats/zip.h"
#include "ir/error.h"
#include "tests/command.h"
#include "tests/flipped_bits.h"
#include "tests/mutations.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using Kind = CheckpointValue::Kind;

const fs::path checkpoints = fs::path(LATHE_SOURCE_DIR) / ".." / "shared" / "testdata" / "checkpoints";

// ---- the files of others

// A value as tests/reference/checkpoints.py writes it.
void append_lines(std::vector<std::string>& lines, const CheckpointValue& value, const std::string& path) {
    const std::string inner = path.empty() ? path : path + ".";
    switch (value.kind()) {
        case Kind::none:
            lines.push_back(path + ": none");
            break;
        case Kind::boolean:
            lines.push_back(fmt::format("{}: boolean {}", path, value.boolean()));
            break;
        case Kind::integer:
            lines.push_back(fmt::format("{}: integer {}", path, value.integer()));
            break;
        case Kind::number:
            lines.push_back(fmt::format("{}: number {}", path, value.number()));
            break;
        case Kind::text:
            lines.push_back(path + ": text " + value.text());
            break;
        case Kind::tensor: {
            const Array array = value.tensor().to_array();
            const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(array.bytes.data()), array.bytes.size());
            lines.push_back(fmt::format("{}: {} {:08x}", path, value.tensor().type().to_string(), sum));
            break;
        }
        case Kind::list:
            for (std::size_t i = 0; const CheckpointValue& part : value.list())
                append_lines(lines, part, inner + std::to_string(i++));
            break;
        case Kind::dict:
            for (const auto& [key, part] : value.dict()) append_lines(lines, part, inner + key);
            break;
    }
}

std::vector<std::string> lines_of(const CheckpointValue& value) {
    constexpr std::size_t most_lines = 60;
    std::vector<std::string> lines;
    append_lines(lines, value, "");
    if (lines.size() <= most_lines) return lines;
    uLong sum = 0;
    for (const std::string& line : lines) {
        sum = crc32_z(sum, reinterpret_cast<const Bytef*>(line.data()), line.size());
        sum = crc32_z(sum, reinterpret_cast<const Bytef*>("\n"), 1);
    }
    return {fmt::format("{} values: {:08x}", lines.size(), sum)};
}

TEST(Pytorch, ReadsWhatPythonReads) {
    if (!fs::exists(checkpoints)) GTEST_SKIP() << "no test data at " << checkpoints;
    std::ifstream expected(LATHE_SOURCE_DIR "/tests/checkpoints.txt");
    std::map<std::string, std::vector<std::string>> files;
    std::string file;
    for (std::string line; std::getline(expected, line);) {
        if (line.starts_with("    "))
            files[file].push_back(line.substr(4));
        else
            files[file = line];
    }
    EXPECT_GT(files.size(), 50U);
    for (const auto& [path, lines] : files)
        for (const bool map : {false, true})
            EXPECT_EQ(lines_of(read_pytorch(checkpoints / path, {.map = map})), lines) << path;
}

// Two trainings of one network, in files of two kinds.
TEST(Pytorch, NamesTensorsAsSafetensorsDoes) {
    if (!fs::exists(checkpoints)) GTEST_SKIP() << "no test data at " << checkpoints;
    const auto types = [](const std::string& file) {
        std::map<std::string, std::string> all;
        for (const auto& [name, tensor] : load_checkpoint(checkpoints / file).root.flatten())
            all.emplace(name, tensor.type().to_string());
        return all;
    };
    EXPECT_EQ(types("mnist.pt"), types("mnist.safetensors"));
}

TEST(Pytorch, RefusesFilesOfOtherKinds) {
    if (!fs::exists(checkpoints)) GTEST_SKIP() << "no test data at " << checkpoints;
    const fs::path folder = checkpoints / "burn-store/crates/burn-store/src/pytorch/tests/reader/test_data";
    const auto message = [&](const fs::path& path) {
        try {
            read_pytorch(path);
            return std::string();
        } catch (const FormatError& e) {
            return e.message().substr(path.string().size());
        }
    };
    EXPECT_EQ(message(folder / "broken.pt"), ": this is no file of torch.save; it looks like another text");
    EXPECT_EQ(message(checkpoints / "test.npz"), ": the archive has no data.pkl, as torch.save writes");
    int tars = 0;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".tar") {
            EXPECT_EQ(message(entry.path()),
                      ": files of PyTorch in tar form, as before its version 0.1.10, are not supported");
            ++tars;
        }
    EXPECT_GT(tars, 0);
}

// ---- pickles by hand

std::string text(const std::string& s) { return "X"s + static_cast<char>(s.size()) + "\0\0\0"s + s; }
std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }
std::string number(int n) { return "K"s + static_cast<char>(n); }

// A storage of so many elements, and a tensor of it.
std::string storage(const std::string& key, int elements, const std::string& type = "FloatStorage") {
    return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + number(elements) + "tQ";
}
std::string tensor(const std::string& memory, int offset, const std::string& shape, const std::string& strides) {
    return global("torch._utils", "_rebuild_tensor_v2") + "(" + memory + number(offset) + shape + strides + "\x89" +
           global("collections", "OrderedDict") + ")RtR";
}

std::string archive_of(const std::string& pickle,
                       const std::vector<std::pair<std::string, std::string>>& members = {}) {
    ZipWriter archive;
    archive.add("a/data.pkl", "\x80\x02" + pickle + ".", false);
    for (const auto& [name, bytes] : members) archive.add("a/" + name, bytes, false);
    return std::move(archive).finish();
}
template <class T>
std::string bytes_of(const std::vector<T>& elements) {
    return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T)};
}
const std::vector<std::pair<std::string, std::string>> six_floats = {{"data/0", bytes_of<float>({0, 1, 2, 3, 4, 5})}};

CheckpointValue read(const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& members = {},
                     bool objects = false) {
    return parse_pytorch(archive_of(pickle, members), "x", {.objects = objects});
}
std::string message(const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& members = {},
                    bool objects = false) {
    try {
        for (const auto& [name, t] : read(pickle, members, objects).flatten()) (void)t.bytes();
        return "";
    } catch (const FormatError& e) {
        return e.message();
    }
}

TEST(Pytorch, ReadsPythonsValues) {
    const CheckpointValue v = read(
        "}(" + text("none") + "N" + text("yes") + "\x88" + text("big") + "\x8a\x08\0\0\0\0\0\0\0\x80"s + text("small") +
        "J\xff\xff\xff\xff" + text("nothing") + "\x8a\0"s + text("real") + "G\x3f\xf8\0\0\0\0\0\0"s + text("list") +
        "](K\1K\2\x85" + "e" + text("set") + "\x8f(K\7\x90" + number(5) + text("five") + "u");
    EXPECT_TRUE(v.at("none").is_none());
    EXPECT_TRUE(v.at("yes").boolean());
    EXPECT_EQ(v.at("big").integer(), INT64_MIN);
    EXPECT_EQ(v.at("small").integer(), -1);
    EXPECT_EQ(v.at("nothing").integer(), 0);
    EXPECT_EQ(v.at("real").number(), 1.5);
    EXPECT_EQ(v.at("list").at(1).at(0).integer(), 2);
    EXPECT_EQ(v.at("set").at(0).integer(), 7);
    EXPECT_EQ(v.at("5").text(), "five");
    EXPECT_EQ(read("}" + text("a") + "K\1s" + text("b") + "K\2s" + text("a") + "K\3s").dict().size(), 2U);
    EXPECT_EQ(read("}" + text("a") + "K\1s" + text("a") + "K\3s").at("a").integer(), 3);
    // Protocols 4 and 5.
    const std::string later = "\x95\x0b\0\0\0\0\0\0\0}\x94\x8c\1k\x94\x8c\1v\x94s"s;
    EXPECT_EQ(read(later).at("k").text(), "v");
    // An ordered dict of pairs, as Python 2 wrote it, and one with attributes.
    EXPECT_EQ(read(global("collections", "OrderedDict") + "]]" + text("k") + "aK\1aa\x85R").at("k").integer(), 1);
    EXPECT_EQ(read(global("collections", "OrderedDict") + ")R" + text("k") + "K\1s}" + text("_metadata") + "Nsb")
                  .at("k")
                  .integer(),
              1);
    EXPECT_EQ(read(global("torch", "device") + "(" + text("cuda") + "K\1tR").text(), "cuda:1");
    EXPECT_EQ(read(global("torch", "Size") + "K\2K\3\x86\x85R").at(1).integer(), 3);
    EXPECT_EQ(read(global("torch", "float16")).text(), "torch.float16");
}

TEST(Pytorch, ReadsTensorsWithStridesAndShared) {
    const std::string whole = tensor(storage("0", 6), 0, "K\2K\3\x86", "K\3K\1\x86");
    const std::string turned = tensor(storage("0", 6), 0, "K\3K\2\x86", "K\1K\3\x86");
    const std::string last = tensor(storage("0", 6), 4, "K\2\x85", "K\1\x85");
    const std::string spread = tensor(storage("0", 6), 1, "K\2K\2\x86", "K\0K\2\x86"s);
    const CheckpointValue v = read("](" + whole + whole + turned + last + spread + "e", six_floats);
    EXPECT_EQ(v.at(0).tensor().to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(v.at(0).tensor().node(), v.at(1).tensor().node()) << "tied";
    EXPECT_EQ(v.at(2).tensor().shape(), (std::vector<std::int64_t>{3, 2}));
    EXPECT_EQ(v.at(2).tensor().to_vector<float>(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
    EXPECT_EQ(v.at(3).tensor().to_vector<float>(), (std::vector<float>{4, 5}));
    EXPECT_EQ(v.at(4).tensor().to_vector<float>(), (std::vector<float>{1, 3, 1, 3}));
    const Tensor first = v.at(0).tensor(), behind = v.at(3).tensor();
    EXPECT_EQ(first.data<float>().data() + 4, behind.data<float>().data()) << "one memory";
    // Complex numbers, and tensors that say what the bytes of a storage are.
    const std::vector<std::pair<std::string, std::string>> memory = {{"data/0", bytes_of<float>({0, 1, 2, 3})}};
    const Tensor complex =
        read(tensor(storage("0", 2, "ComplexFloatStorage"), 1, "K\1\x85", "K\1\x85"), memory).tensor();
    EXPECT_EQ(complex.shape(), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(complex.to_vector<float>(), (std::vector<float>{2, 3}));
    const std::string untyped =
        "(" + text("storage") + global("torch.storage", "UntypedStorage") + text("0") + text("cpu") + number(16) + "tQ";
    const auto as = [&](const std::string& dtype, int extent) {
        return read(global("torch._utils", "_rebuild_tensor_v3") + "(" + untyped + number(0) + number(extent) + "\x85" +
                        "K\1\x85\x89N" + global("torch", dtype) + "tR",
                    memory)
            .tensor();
    };
    EXPECT_EQ(as("float32", 4).to_vector<float>(), (std::vector<float>{0, 1, 2, 3}));
    EXPECT_EQ(as("uint16", 8).dtype(), Dtype::u16);
    EXPECT_THROW(as("uint16", 9), FormatError);
    EXPECT_THROW(as("uint13", 1), FormatError);
}

TEST(Pytorch, TurnsBytesOfTheOtherOrder) {
    const std::string pickle = tensor(storage("0", 2, "IntStorage"), 0, "K\2\x85", "K\1\x85");
    const std::string bytes = "\0\0\0\1\0\0\1\0"s;
    EXPECT_EQ(read(pickle, {{"data/0", bytes}, {"byteorder", "big"}}).tensor().to_vector<int>(),
              (std::vector<int>{1, 256}));
    EXPECT_EQ(read(pickle, {{"data/0", bytes}, {"byteorder", "little"}}).tensor().to_vector<int>(),
              (std::vector<int>{1 << 24, 1 << 16}));
    EXPECT_EQ(message(pickle, {{"data/0", bytes}, {"byteorder", "odd"}}),
              "x: a/byteorder: 'little' or 'big' is expected");
}

TEST(Pytorch, RefusesTensorsBeyondTheirStorage) {
    const auto refused = [&](const std::string& t,
                             const std::vector<std::pair<std::string, std::string>>& members = six_floats) {
        const std::string said = message(t, members);
        EXPECT_NE(said, "");
        return said;
    };
    const std::string one = "K\1\x85";
    EXPECT_EQ(refused(tensor(storage("0", 6), 0, "K\7\x85", one)),
              "x: a/data.pkl: byte 124: a tensor reaches behind its storage '0', which has 6 elements");
    refused(tensor(storage("0", 6), 1, "K\6\x85", one));
    refused(tensor(storage("0", 6), 6, one, one));
    refused(tensor(storage("0", 6), 0, "K\2K\2\x86", "K\5K\1\x86"));
    refused(tensor(storage("0", 6), 0, "J\xff\xff\xff\xff\x85", one));
    refused(tensor(storage("0", 6), 0, one, "J\xff\xff\xff\xff\x85"));
    refused(tensor(storage("0", 6), 0, one, "K\1K\1\x86"));
    const std::string huge = "\x8a\x08\0\0\0\0\0\0\0\x40"s;
    refused(tensor(storage("0", 6), 0, huge + huge + "\x86", "K\0K\0\x86"s));
    refused(tensor(storage("0", 6), 0,
                   "(" + std::string(9 * 2, 'K').replace(0, 18, "K\1K\1K\1K\1K\1K\1K\1K\1K\1") + "t",
                   "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t"));
    EXPECT_EQ(message(tensor(storage("0", 6), 6, "K\0\x85"s, one), six_floats), "") << "no elements, nowhere";
    EXPECT_EQ(refused(tensor(storage("0", 5), 0, one, one)),
              "x: a/data/0: the storage has 24 bytes, its 5 elements need 20");
    EXPECT_EQ(refused(tensor(storage("1", 6), 0, one, one)), "x: a/data.pkl: byte 86: the archive has no storage '1'");
    EXPECT_EQ(refused(tensor(storage("0", 6, "QUInt8Storage"), 0, one, one)),
              "x: a/data.pkl: byte 49: the class or function 'torch.QUInt8Storage' is none of those that are read");
    EXPECT_EQ(
        refused("](" + tensor(storage("0", 6), 0, one, one) + tensor(storage("0", 6, "IntStorage"), 0, one, one) + "e"),
        "x: a/data.pkl: byte 209: the storage '0' is named with another type or size than before");
}

// What would run code if Python read it.
TEST(Pytorch, RefusesWhatIsNoData) {
    const auto refusal = [](const std::string& pickle) {
        return message(pickle).substr(sizeof("x: a/data.pkl: ") - 1);
    };
    EXPECT_EQ(refusal(global("os", "system") + text("true") + "\x85R"),
              "byte 2: the class or function 'os.system' is none of those that are read");
    EXPECT_EQ(refusal("\x8c\5posix\x8c\6system\x93"s + text("true") + "\x85R"),
              "byte 17: the class or function 'posix.system' is none of those that are read");
    for (const auto& [module, name] :
         std::vector<std::pair<std::string, std::string>>{{"builtins", "eval"},
                                                          {"__builtin__", "exec"},
                                                          {"builtins", "getattr"},
                                                          {"nt", "system"},
                                                          {"subprocess", "Popen"},
                                                          {"runpy", "run_module"},
                                                          {"torch", "load"},
                                                          {"torch.hub", "load"},
                                                          {"torch._utils", "_rebuild_sparse_tensor"},
                                                          {"numpy.core.multiarray", "_reconstruct"},
                                                          {"collections", "OrderedDict.update"},
                                                          {"torch", "_utils._rebuild_tensor"},
                                                          {"", ""}})
        EXPECT_NE(message(global(module, name) + ")R"), "") << module << "." << name;
    EXPECT_EQ(refusal("(" + text("true") + "ios\nsystem\n"), "byte 12: the opcode INST is none of those that are read");
    for (const std::string& opcode : {"I1\n"s, "L1L\n"s, "F1\n"s, "S'a'\n"s, "Va\n"s, "g0\n"s, "Pa\n"s, "(o"s,
                                      "\x82\1"s, "\x83\1\0"s, "\x84\1\0\0\0"s, "\x97"s, "\x98"s, "\xff"s, "\0"s})
        EXPECT_NE(message(opcode), "") << static_cast<int>(opcode[0]);
    EXPECT_EQ(refusal(global("torch", "Size") + ")\x81"),
              "byte 15: an object of the class 'torch.Size' is none of the values that are read; the option 'objects' "
              "reads such as dicts");
    EXPECT_EQ(refusal(global("torch", "FloatStorage")),
              "byte 2: the class or function 'torch.FloatStorage' stands where a value is expected");
    EXPECT_EQ(refusal(storage("0", 1) + "0N"), "byte 52: the archive has no storage '0'");
    EXPECT_EQ(refusal(text("storage") + "Q"), "byte 14: what the file keeps elsewhere is no storage");

    // Nothing is called with the option either, also where the result is thrown away.
    const auto with_objects = [](const std::string& pickle) {
        return message(pickle, {}, true).substr(sizeof("x: a/data.pkl: ") - 1);
    };
    EXPECT_EQ(with_objects(global("os", "system") + text("true") + "\x85R"),
              "byte 23: a call of 'os.system' is none of those that are read");
    EXPECT_EQ(with_objects(global("os", "system") + text("true") + "\x85R0N"),
              "byte 23: a call of 'os.system' is none of those that are read");
}

TEST(Pytorch, RefusesMalformedPickles) {
    const auto refusal = [](const std::string& pickle) {
        return message(pickle).substr(sizeof("x: a/data.pkl: ") - 1);
    };
    EXPECT_EQ(refusal(""), "byte 2: a value is missing");
    EXPECT_EQ(refusal("NN"), "byte 4: values are left over at the end");
    EXPECT_EQ(refusal("(N"), "byte 4: values are left over at the end");
    EXPECT_EQ(refusal("N."), "byte 4: something follows the pickle");
    EXPECT_EQ(refusal("0"), "byte 2: a value is missing");
    EXPECT_EQ(refusal("e"), "byte 2: a mark is missing");
    EXPECT_EQ(refusal("]N(R"), "byte 5: a value is missing") << "a mark protects what lies below";
    EXPECT_EQ(refusal("NNa"), "byte 4: a value is added to what takes none");
    EXPECT_EQ(refusal("NNNs"), "byte 5: an entry is set in what takes none");
    EXPECT_EQ(refusal("}(Nu"), "byte 5: a key has no value");
    EXPECT_EQ(refusal("(Nd"), "byte 4: a key has no value");
    EXPECT_EQ(refusal("NNb"), "byte 4: a state is set on what has none");
    EXPECT_EQ(refusal("h\5"), "byte 2: nothing is kept as 5");
    EXPECT_EQ(refusal("NNR"), "byte 4: what is called is no class or function");
    EXPECT_EQ(refusal(global("torch", "Size") + "NR"), "byte 15: the arguments of a call are no tuple");
    EXPECT_EQ(refusal(global("torch", "Size") + "(NNtR"), "byte 18: 'torch.Size' is called with 2 arguments");
    EXPECT_EQ(refusal(global("torch", "Size") + "K\1\x85R"), "byte 14: a list or tuple is expected");
    EXPECT_EQ(refusal("NN\x93"), "byte 4: the name of a class or function is no text");
    EXPECT_EQ(refusal("X\xff\xff\xff\x7f"), "byte 2: the pickle ends within what begins here");
    EXPECT_EQ(refusal("\x8e\xff\xff\xff\xff\xff\xff\xff\xff"), "byte 2: the pickle ends within what begins here");
    EXPECT_EQ(refusal("ctorch"), "byte 2: the pickle ends within what begins here");
    EXPECT_EQ(refusal("\x80\x01N"), "byte 2: pickles of protocol 1 are not supported");
    EXPECT_EQ(refusal("\x8a\x09\0\0\0\0\0\0\0\0\1"s), "byte 2: an integer does not fit 64 bits");
    EXPECT_EQ(refusal("}NNs"), "byte 3: a key of a dict is neither a text nor an integer");
    // Values that hold themselves, nest deeply, or come to more than their bytes.
    EXPECT_EQ(refusal("]q\0h\0a"s), "byte 2: values nest deeper than 256 levels, or hold themselves");
    EXPECT_EQ(refusal(std::string(100'000, ']') + std::string(99'999, 'a')).substr(0, 10), "byte 258: ");
    EXPECT_EQ(refusal("}X\1\4\0\0"s + std::string(1025, 'k') + "Ns"),
              "byte 3: a key of a dict has more than 1024 bytes");
    std::string shared = "(" + std::string(5000, 'N') + "tq\0000]("s;  // a tuple that 5000 shapes are made of
    for (int i = 0; i < 5000; ++i) shared += global("torch", "Size") + "h\0\x85R"s;
    EXPECT_EQ(refusal(shared + "e"), "the pickle holds more than 16777216 values");
    std::string doubled = "]";
    for (int i = 0; i < 60; ++i) doubled += "q\1]h\1ah\1a"s;
    EXPECT_NE(message("]q\0" + doubled), "");
    EXPECT_THROW(read(doubled), Error);
}

TEST(Pytorch, ReadsPickledModulesAsTheirState) {
    const auto object = [](const std::string& name, const std::string& state) {
        return global("__main__", name) + ")\x81}(" + state + "ub";
    };
    const std::string weight = tensor(storage("0", 6), 0, "K\2K\3\x86", "K\3K\1\x86");
    const std::string linear =
        object("Linear", text("_parameters") + "}(" + text("weight") + weight + text("bias") + "Nu" + text("_buffers") +
                             "}" + text("_modules") + "}" + text("training") + "\x88");
    const std::string net = object("Net", text("_parameters") + "}" + text("_buffers") + "}" + text("_modules") + "}" +
                                              text("fc") + linear + "s" + text("activation") + global("torch", "relu"));
    const CheckpointValue v = read(net, six_floats, true);
    EXPECT_EQ(v.class_name(), "__main__.Net");
    EXPECT_EQ(v.at("fc").class_name(), "__main__.Linear");
    ASSERT_EQ(v.flatten().size(), 1U);
    EXPECT_EQ(v.flatten()[0].first, "fc.weight");
    EXPECT_EQ(read(object("Options", text("rate") + "K\3"), {}, true).at("rate").integer(), 3);
    EXPECT_EQ(read(global("copyreg", "_reconstructor") + global("a", "B") + global("builtins", "object") + "N\x87R}" +
                       text("k") + "K\1sb",
                   {}, true)
                  .at("k")
                  .integer(),
              1);
    EXPECT_NE(message(net, six_floats), "");
}

TEST(Pytorch, RefusesTorchScriptByName) {
    EXPECT_EQ(message("N", {{"constants.pkl", "N."}, {"code/x.py", ""}}),
              "x: this is a TorchScript archive, which is not supported; torch.save() of its state_dict() is");
}

TEST(Pytorch, SurvivesTruncationAndMutation) {
    const auto look = [](const std::string& bytes) {
        for (const bool objects : {false, true}) {
            try {
                for (const auto& [name, t] : parse_pytorch(bytes, "x", {.objects = objects}).flatten())
                    if (t.size() < 1000) (void)t.to_array();
            } catch (const FormatError&) {
            } catch (const UserError&) {
            }
        }
    };
    const std::string pickle = "](" + tensor(storage("0", 6), 0, "K\3K\2\x86", "K\1K\3\x86") + "}" + text("k") +
                               "\x88s" + global("m", "C") + ")\x81}" + text("a") + "Nsbe";
    const std::string zipped = archive_of(pickle, six_floats);
    std::vector<std::string> files = {zipped};
    const fs::path legacy =
        checkpoints / "burn-store/crates/burn-store/src/pytorch/tests/reader/test_data/simple_legacy.pt";
    if (fs::exists(legacy)) files.push_back(read_file(legacy));
    for (const std::string& good : files) {
        for (std::size_t length = 0; length < good.size(); ++length)
            EXPECT_THROW(parse_pytorch(good.substr(0, length), "x", {.objects = true}), FormatError) << length;
        for_each_flipped_bit(good, look);
    }
    testing_support::for_each_mutation(files, look);
    // The archive's checksums hide the pickle from most of these.
    testing_support::for_each_mutation({pickle}, [&](const std::string& bad) { look(archive_of(bad, six_floats)); });
}

}  // namespace
}  // namespace lathe
