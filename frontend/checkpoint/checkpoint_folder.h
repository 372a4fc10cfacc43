// A folder with the last checkpoints of a training.
//
//   CheckpointFolder folder("runs/a", {.keep = 3});
//   std::int64_t step = 0;
//   if (auto saved = folder.latest()) {
//       load_into(variables, saved->checkpoint.root);
//       step = saved->step;
//   }
//   for (; step < steps; ++step) {
//       ...
//       if (step % 100 == 99) folder.save(step + 1, variables);
//   }
//
// A file is there complete or not at all, and says of itself what it should hold: one that is damaged later is passed
// over. So a training that ended at any point goes on from what it saved last, with the same bits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontend/checkpoint/checkpoint.h"

namespace lathe {

struct CheckpointFolderOptions {
    std::size_t keep = 3;  // files; at least 1
};

class CheckpointFolder {
public:
    // Makes the folder if it is not there. Throws ResourceError where that fails.
    explicit CheckpointFolder(std::string path, CheckpointFolderOptions options = {}, Where where = Where::current());

    // Writes step-STEP.safetensors, then removes the older ones but for the last of them that are kept. Files of
    // greater steps stay. Evaluates the tensors. Texts whose keys begin with "lathe." are the folder's own.
    void save(std::int64_t step, const std::vector<NamedTensor>& tensors,
              const std::map<std::string, std::string>& metadata = {}, Where where = Where::current()) const;

    struct Saved {
        std::int64_t step = 0;
        Checkpoint checkpoint;
        std::vector<std::string> skipped;  // why each file of a greater step was passed over
    };
    // What was saved at the greatest step whose file is sound; none where nothing was saved. Throws FormatError with
    // all the reasons where every file is damaged.
    std::optional<Saved> latest(Where where = Where::current()) const;

    std::vector<std::int64_t> steps(Where where = Where::current()) const;  // in ascending order
    std::string path_of(std::int64_t step) const;

private:
    std::string path_;
    CheckpointFolderOptions options_;
};

}  // namespace lathe
