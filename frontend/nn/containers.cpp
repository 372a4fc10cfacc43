#include "frontend/nn/containers.h"

#include <fmt/format.h>

#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe::nn {

const Module& Sequential::at(std::size_t place, Where where) const {
    if (place >= size()) refuse_place(*this, place, size(), where);
    return *(*steps_)[place].module;
}

Tensor Sequential::forward(const Tensor& x) const {
    Tensor y = x;
    std::int64_t place = 0;
    for (const Step& step : *steps_) {
        const bool named = !step.name.empty();
        y = step.module->call_as(step.name, named ? -1 : place, y, {});
        ++place;
    }
    return y;
}

void refuse_place(const AnyModule& list, std::size_t place, std::size_t size, Where where) {
    throw IndexError(fmt::format("{}: there is no module {} of {}", list.class_name(), place, size),
                     detail::blame(where));
}
void refuse_key(const AnyModule& dictionary, const std::string& key, Where where) {
    throw IndexError(fmt::format("{}: there is no module \"{}\"", dictionary.class_name(), key), detail::blame(where));
}

}  // namespace lathe::nn
