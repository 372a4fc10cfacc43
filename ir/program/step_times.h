// How often the steps of a program need to run.
#pragma once

#include <vector>

#include "ir/program/program.h"

namespace lathe::ir {

enum class StepTime : std::uint8_t {
    once,       // when the program is compiled: it depends on constants alone
    on_change,  // when a steady input is another than in the last run: it lays out what depends on nothing else
    every_run,
};

// By step. Steps that may find an index out of range are of every run: that is for those to hear who run the program.
std::vector<StepTime> step_times(const Program& program);

}  // namespace lathe::ir
