#include "frontend/onnx/source.h"

#include <algorithm>
#include <fstream>
#include <set>

#include <fmt/format.h>

#include "ir/printable.h"

namespace lathe::onnx {
namespace {

constexpr std::size_t deepest = 32;  // graphs within graphs

// Collects what the nodes of a graph need, and of the graphs in their attributes.
class Needs {
public:
    explicit Needs(const Source& source) : source_(source) {}
    void visit(std::span<const Bytes> nodes, std::span<const OpsetImport> opsets, std::size_t depth) {
        if (depth > deepest) throw Malformed("graphs are nested too deeply");
        for (const Bytes bytes : nodes) {
            const Node node = read_node(bytes);
            const Source::Callee callee = source_.find(node.domain, node.op, opsets);
            const std::string_view domain = plain_domain(node.domain);
            if (callee.row == nullptr && callee.function == nullptr)
                missing.insert(fmt::format("{} ({}opset {})", node.op,
                                           domain.empty() ? std::string() : std::string(domain) + ", ",
                                           opset_of(node.domain, opsets)));
            if (callee.function != nullptr && seen_.insert(callee.function).second)
                visit(callee.function->nodes, callee.function->opsets, depth + 1);
            for (const Attribute& a : node.attributes)
                if (a.type == Attribute::Type::graph) visit(read_graph(a.graph).nodes, opsets, depth + 1);
        }
    }
    std::set<std::string> missing;

private:
    const Source& source_;
    std::set<const Function*> seen_;
};

}  // namespace

std::int64_t opset_of(std::string_view domain, std::span<const OpsetImport> opsets) {
    for (const OpsetImport& o : opsets)
        if (plain_domain(o.domain) == plain_domain(domain)) return o.version;
    return 0;
}

Source::Source(Bytes bytes, std::string path, std::filesystem::path folder)
    : path_(std::move(path)), folder_(std::move(folder)), file_(read_file(bytes)) {}

Source::Callee Source::find(std::string_view domain, std::string_view op, std::span<const OpsetImport> opsets) const {
    for (const Function& f : file_.functions)
        if (f.name == op && f.domain == domain) return {nullptr, &f};
    const std::int64_t opset = opset_of(domain, opsets);
    return {find_operator(domain, op, opset == 0 ? 1 : opset), nullptr};
}

std::vector<std::string> Source::unsupported() const {
    Needs needs(*this);
    needs.visit(read_graph(file_.graph).nodes, file_.opsets, 0);
    return {needs.missing.begin(), needs.missing.end()};
}

Array Source::read(Bytes tensor) const {
    const TensorHeader header = read_tensor_header(tensor);
    if (!header.external) return read_tensor(tensor);
    const std::uint64_t size = byte_size(header);
    const std::filesystem::path location(header.external->location);
    const std::string name = "external data in '" + ir::printable_line(location.string()) + "'";
    if (folder_.empty()) throw Malformed(name + ": the model is in no folder");
    const bool leaves = std::ranges::any_of(location, [](const auto& part) { return part == ".."; });
    if (location.empty() || location.is_absolute() || leaves) throw Malformed(name + " leave the folder of the model");
    // Links could lead out of it.
    std::error_code failed;
    for (std::filesystem::path part = folder_; const auto& step : location) {
        part /= step;
        if (std::filesystem::is_symlink(part, failed)) throw Malformed(name + " are behind a link");
    }
    const std::filesystem::path path = folder_ / location;
    const std::uint64_t all = std::filesystem::file_size(path, failed);
    if (failed || !std::filesystem::is_regular_file(path)) throw Malformed(name + ": there is no such file");
    if (header.external->length && *header.external->length != size)
        throw Malformed(fmt::format("{} have {} bytes, not the {} of a tensor", name, *header.external->length, size));
    if (header.external->offset > all || size > all - header.external->offset)
        throw Malformed(name + ": the file ends before a tensor does");
    Array array{dtype_of(header), header.dims, std::vector<std::byte>(size)};
    std::ifstream in(path, std::ios::binary);
    in.seekg(static_cast<std::streamoff>(header.external->offset));
    if (!in.read(reinterpret_cast<char*>(array.bytes.data()), static_cast<std::streamsize>(size)))
        throw Malformed(name + " cannot be read");
    return array;
}

}  // namespace lathe::onnx
