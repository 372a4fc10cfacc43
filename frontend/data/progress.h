// A line that shows how far long work is: rate, time left, and running values.
//
//   data::Progress progress(loader.size(), "epoch 1");
//   for (const auto& [x, y] : loader) progress.step({{"loss", step(x, y).item<float>()}});
//
//   epoch 1  [=========>          ]  412/938  231/s  0:02 left  loss 0.3127
//
// It writes to standard error, and only where that is a terminal. One thread at a time.
#pragma once

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace lathe::data {

struct ProgressOptions {
    std::FILE* out = stderr;
    bool always = false;  // where that is no terminal, too
};

class Progress {
public:
    explicit Progress(std::int64_t total, std::string label = {}, ProgressOptions options = {});
    ~Progress();  // ends the line
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // One more is done. Values are shown as means that forget: with each step, older values count 2 % less.
    void step(std::initializer_list<std::pair<std::string_view, double>> values = {});

private:
    struct State;
    std::unique_ptr<State> state_;  // none: nothing is shown
};

}  // namespace lathe::data
