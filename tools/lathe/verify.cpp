// lathe verify: checks a file of textual IR, or a model.
#include "ir/graph/verify.h"

#include <memory>

#include "frontend/formats/read_file.h"
#include "frontend/model/model.h"
#include "ir/error.h"
#include "ir/graph/text.h"
#include "ir/loops/text.h"
#include "ir/loops/verify.h"
#include "ir/program/text.h"
#include "ir/program/verify.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/lir.h"
#include "tools/lathe/models.h"

namespace lathe::tools {

void add_verify(CLI::App& app) {
    CLI::App* const command =
        app.add_subcommand("verify", "check a file of textual IR or a model, and report every fault");
    const auto path = std::make_shared<std::string>();
    command->add_option("FILE", *path, "a .lir, .onnx or .lathe file")->required();
    command->footer("example: lathe verify softmax.lir");
    command->callback([path] {
        const std::string bytes = read_file(*path);
        if (is_model(bytes)) {
            Model::parse(bytes, *path, Where());
            return;
        }
        const Lir lir = parse_lir(bytes, *path);
        std::vector<std::string> faults;
        if (const auto* const graph = std::get_if<std::unique_ptr<ir::Graph>>(&lir)) {
            faults = ir::verify(**graph);
        } else if (const auto* const program = std::get_if<ir::Program>(&lir)) {
            faults = ir::verify(*program);
        } else {
            for (const ir::LoopNest& nest : std::get<std::vector<ir::LoopNest>>(lir))
                for (const std::string& fault : ir::verify(nest)) faults.push_back(nest.name + ": " + fault);
        }
        if (faults.empty()) return;
        std::string text;
        for (const std::string& fault : faults) text += (text.empty() ? "" : "\n") + *path + ": " + fault;
        throw FormatError(text);
    });
}

}  // namespace lathe::tools
