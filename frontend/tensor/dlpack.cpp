#include "frontend/tensor/dlpack.h"

#include <cstring>
#include <dlpack/dlpack.h>
#include <optional>

#include <fmt/format.h>

#include "frontend/tensor/run_plan.h"
#include "ir/error.h"

namespace lathe {
namespace {

// By its number: older versions have no name for it.
constexpr std::uint8_t dlpack_bool = 6;
#if DLPACK_VERSION >= 80
constexpr std::uint8_t code_of_boolean = dlpack_bool;
#else
constexpr std::uint8_t code_of_boolean = kDLUInt;
#endif

DLDataType element_type(Dtype dtype) {
    const auto bits = static_cast<std::uint8_t>(8 * size_of(dtype));
    std::uint8_t code = kDLFloat;
    if (dtype == Dtype::bf16)
        code = kDLBfloat;
    else if (dtype == Dtype::boolean)
        code = code_of_boolean;
    else if (is_signed_integer(dtype))
        code = kDLInt;
    else if (is_unsigned_integer(dtype))
        code = kDLUInt;
    return {code, bits, 1};
}

std::optional<Dtype> dtype_of_elements(DLDataType type) {
    if (type.lanes != 1) return std::nullopt;
    if (type.code == dlpack_bool && type.bits == 8) return Dtype::boolean;
    for (const Dtype d : ir::all_dtypes()) {
        const DLDataType own = element_type(d);
        if (d != Dtype::boolean && own.code == type.code && own.bits == type.bits) return d;
    }
    return std::nullopt;
}

bool is_in_memory_of_the_cpu(DLDeviceType device) {
    return device == kDLCPU || device == kDLCUDAHost || device == kDLROCMHost;
}

// What is given away, and what it stands on.
struct Given {
    DLManagedTensor managed{};
    runtime::Buffer buffer;
    std::vector<std::int64_t> shape, strides;
};

}  // namespace

Tensor from_dlpack(DLManagedTensor* tensor, Where where) {
    const detail::LocScope scope(where, "from_dlpack");
    if (tensor == nullptr) throw UserError("from_dlpack: there is no tensor", detail::blame(where));
    const DLTensor& given = tensor->dl_tensor;
    if (!is_in_memory_of_the_cpu(given.device.device_type))
        throw TypeError(fmt::format("from_dlpack: the tensor is on a device of type {}, not in memory of the CPU",
                                    static_cast<int>(given.device.device_type)),
                        detail::blame(where));
    const std::optional<Dtype> dtype = dtype_of_elements(given.dtype);
    if (!dtype)
        throw TypeError(fmt::format("from_dlpack: no dtype is as its elements: code {}, {} bits, {} lanes",
                                    given.dtype.code, given.dtype.bits, given.dtype.lanes),
                        detail::blame(where));
    if (given.ndim < 0 || (given.ndim > 0 && given.shape == nullptr))
        throw TypeError("from_dlpack: the tensor has no shape", detail::blame(where));
    const auto rank = static_cast<std::size_t>(given.ndim);
    const std::vector<std::int64_t> shape(given.shape, given.shape + rank);
    std::vector<std::int64_t> strides;
    if (given.strides != nullptr) strides.assign(given.strides, given.strides + rank);
    const auto* const data =
        given.data == nullptr ? nullptr : static_cast<const std::byte*>(given.data) + given.byte_offset;
    // Until nothing can fail any more, the tensor is not ours to release.
    struct Release {
        bool ours = false;
        void operator()(DLManagedTensor* t) const {
            if (ours && t->deleter != nullptr) t->deleter(t);
        }
    };
    const std::shared_ptr<DLManagedTensor> owner(tensor, Release{});
    Tensor out = Tensor::borrow_as(*dtype, data, shape, strides, owner, where);
    std::get_deleter<Release>(owner)->ours = true;
    return out;
}

DLManagedTensor* to_dlpack(Tensor x, Where where) {
    const detail::LocScope scope(where, "to_dlpack", x);
    x.eval(where);
    const detail::NodeRef node = detail::resolve(x.node());
    const ir::Type type = node->type;
    auto given = std::make_unique<Given>();
    given->shape = x.shape(where);
    given->strides.resize(given->shape.size());
    std::int64_t stride = 1;
    for (std::size_t i = given->shape.size(); i > 0; --i) {
        given->strides[i - 1] = stride;
        stride *= given->shape[i - 1];
    }
    const auto bytes = static_cast<std::size_t>(stride) * size_of(type.dtype);
    // x and `node` are two references.
    const bool sole = !x.is_variable() && node->references.load(std::memory_order_acquire) == 2 &&
                      node->kind != detail::NodeKind::number && node->data.sole_owner();
    if (sole) {
        given->buffer = node->data;
    } else {
        given->buffer = detail::allocate_tensor(bytes);
        if (bytes > 0) std::memcpy(given->buffer.data(), node->elements(), bytes);
    }
    given->managed.dl_tensor = {.data = given->buffer.data(),
                                .device = {kDLCPU, 0},
                                .ndim = static_cast<int>(given->shape.size()),
                                .dtype = element_type(type.dtype),
                                .shape = given->shape.data(),
                                .strides = given->strides.data(),
                                .byte_offset = 0};
    given->managed.manager_ctx = given.get();
    given->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Given*>(self->manager_ctx); };
    return &given.release()->managed;
}

}  // namespace lathe
