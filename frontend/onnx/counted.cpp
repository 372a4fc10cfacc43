#include "frontend/onnx/counted.h"

#include <algorithm>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/movement.h"

namespace lathe::onnx {

std::optional<Counted> counted_by_elements(const NodeCall& c) {
    std::size_t rank = 0;
    for (std::size_t i = 0; i < c.size(); ++i)
        if (c.has(i)) rank = std::max(rank, c.value(i).rank());
    std::optional<Counted> common;
    std::size_t from = 0;
    for (std::size_t i = 0; i < c.size(); ++i) {
        if (!c.has(i) || !c.value(i).counted()) continue;
        const Counted& own = *c.value(i).counted();
        const std::size_t axis = own.axis + rank - c.value(i).rank();
        if (common && (common->axis != axis || common->count.node() != own.count.node())) c.need_extent(i);
        common = Counted{axis, own.count};
        from = i;
    }
    if (!common) return {};
    // Others are of one extent in the file, but not as long as there may be elements.
    for (std::size_t i = 0; i < c.size(); ++i) {
        if (!c.has(i) || c.value(i).counted()) continue;
        const Shape& shape = c[i].type().shape;
        const std::size_t missing = rank - shape.rank();
        if (common->axis >= missing && shape[common->axis - missing] != Dim(1)) c.need_extent(from);
    }
    return common;
}

Value counted_value(Tensor x, std::size_t axis, Tensor count) {
    Value v(std::move(x));
    v.set_counted(Counted{axis, std::move(count)});
    return v;
}

Tensor places_that_count(const Tensor& x, const Counted& counted) {
    std::vector<Dim> along(x.rank(), Dim(1));
    along[counted.axis] = x.type().shape[counted.axis];
    return reshape(arange(along[counted.axis]), Shape(along)) < counted.count;
}

Tensor filled(const Value& v, double number) {
    const Tensor& x = v.tensor();
    return v.counted() ? where(places_that_count(x, *v.counted()), x, full_like(x, number)) : x;
}

}  // namespace lathe::onnx
