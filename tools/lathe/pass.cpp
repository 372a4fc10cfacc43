// lathe pass: runs one pass of the pipeline on a file of textual IR.
#include <memory>

#include "ir/error.h"
#include "ir/graph/text.h"
#include "ir/loops/text.h"
#include "passes/pipeline.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/lir.h"

namespace lathe::tools {
namespace {

struct Request {
    std::string name, path;
};

const ir::Graph& graph_of(const Lir& lir, const Request& request) {
    const auto* const graph = std::get_if<std::unique_ptr<ir::Graph>>(&lir);
    if (!graph) throw UserError(request.path + ": holds kernels; the pass " + request.name + " takes a graph");
    return **graph;
}

// How each kind of pass is applied, and what it makes is printed.
class Apply {
public:
    Apply(const Request& r, Lir& l) : request(r), lir(l) {}

    std::string operator()(passes::GraphPass pass) const {
        const ir::Graph& before = graph_of(lir, request);
        const std::unique_ptr<ir::Graph> after = pass(before);
        return ir::print(after ? *after : before);
    }
    std::string operator()(passes::FusePass pass) const { return passes::print(pass(graph_of(lir, request), {})); }
    std::string operator()(passes::LowerPass pass) const {
        return each_kernel(pass, [](std::string& text, passes::LoweredKernel& kernel) { add(text, kernel); });
    }
    std::string operator()(passes::KernelPass pass) const {
        return each_kernel(passes::lower, [pass](std::string& text, passes::LoweredKernel& kernel) {
            pass(kernel, {});
            add(text, kernel);
        });
    }
    std::string operator()(passes::KernelsPass pass) const {
        return each_kernel(passes::lower, [pass](std::string& text, passes::LoweredKernel& kernel) {
            for (const passes::LoweredKernel& part : pass(std::move(kernel), {})) add(text, part);
        });
    }
    std::string operator()(passes::LoopPass pass) const {
        auto* const nests = std::get_if<std::vector<ir::LoopNest>>(&lir);
        if (!nests) throw UserError(request.path + ": holds a graph; the pass " + request.name + " takes kernels");
        std::string text;
        for (ir::LoopNest& nest : *nests) {
            pass(nest, {});
            add_kernel(text, ir::print(nest));
        }
        return text;
    }

private:
    const Request& request;
    Lir& lir;
    static void add(std::string& text, const passes::LoweredKernel& kernel) {
        add_kernel(text, ir::print(kernel.nest));
    }
    template <class Then>
    std::string each_kernel(passes::LowerPass lower, const Then& then) const {
        const passes::FusedGraph fused = passes::fuse(graph_of(lir, request));
        std::string text;
        for (const passes::Group& group : fused.groups) {
            passes::LoweredKernel kernel = lower(group);
            then(text, kernel);
        }
        return text;
    }
};

void run(const Request& request) {
    const passes::Pass* const pass = passes::find_pass(request.name);
    if (!pass) {
        std::string names;
        for (const passes::Pass& known : passes::pipeline) names += " " + std::string(known.name);
        throw CLI::ValidationError("there is no pass '" + request.name + "'; there are:" + names);
    }
    Lir lir = read_lir(request.path);
    put(with_line_end(std::visit(Apply(request, lir), pass->run)));
}

}  // namespace

void add_pass(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("pass", "run one pass on a file of textual IR and print the result");
    const auto request = std::make_shared<Request>();
    command->add_option("NAME", request->name, "the pass")->required();
    command->add_option("FILE", request->path, "a .lir file: a graph, or a kernel for passes over loops")->required();
    std::string passes_text = "passes:\n";
    for (const passes::Pass& pass : passes::pipeline)
        passes_text += "  " + std::string(pass.name) + ": " + std::string(pass.doc) + "\n";
    command->footer(passes_text + "example: lathe pass simplify model.lir");
    command->callback([request] { run(*request); });
}

}  // namespace lathe::tools
