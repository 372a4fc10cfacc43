// Memory of others as tensors, and ours for them: nothing is copied where that is said, owners are let go once, and
// nobody writes to what is not his.
#include <cstdint>
#include <cstring>
#include <dlpack/dlpack.h>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/functions/functions.h"
#include "frontend/tensor/dlpack.h"
#include "frontend/trace/jit.h"

namespace lathe {
namespace {

using Extents = std::vector<std::int64_t>;

// Memory that counts its releases.
struct Held {
    std::vector<float> memory;
    std::shared_ptr<int> releases = std::make_shared<int>(0);
    std::shared_ptr<const void> owner() {
        return {memory.data(), [count = releases](const void*) { ++*count; }};
    }
};

TEST(Borrow, reads_memory_where_it_is) {
    Held held{{1, 2, 3, 4, 5, 6}};
    {
        const Tensor x = Tensor::borrow(held.memory.data(), {2, 3}, {}, held.owner());
        EXPECT_EQ(x.data<float>().data(), held.memory.data());
        const Tensor y = x * 2.0;
        EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{2, 4, 6, 8, 10, 12}));
        EXPECT_EQ(*held.releases, 0);
    }
    EXPECT_EQ(*held.releases, 1);
    {
        const Tensor strided = Tensor::borrow(held.memory.data(), {3, 2}, {1, 3}, held.owner());
        EXPECT_EQ(sum(strided).item<float>(), 21);
        held.memory[0] = 9;
        EXPECT_EQ(sum(strided).item<float>(), 29) << "read where it is";
        EXPECT_EQ(*held.releases, 1);
        EXPECT_EQ(strided.to_vector<float>(), (std::vector<float>{9, 4, 2, 5, 3, 6}));
    }
    EXPECT_EQ(*held.releases, 2);
    // Pending work keeps the owner.
    Tensor later = Tensor::borrow(held.memory.data(), {6}, {1}, held.owner()) + 1.0;
    EXPECT_EQ(*held.releases, 2);
    EXPECT_EQ(later.to_vector<float>()[5], 7.0F);
    later = Tensor();
    EXPECT_EQ(*held.releases, 3);
}

TEST(Borrow, any_strides) {
    std::mt19937 random(1);
    const auto draw = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
    for (int i = 0; i < 200; ++i) {
        Extents shape(static_cast<std::size_t>(draw(0, 4))), strides;
        std::int64_t low = 0, high = 0;
        for (std::int64_t& e : shape) {
            e = draw(0, 4);
            strides.push_back(draw(-5, 5));
            (strides.back() < 0 ? low : high) += strides.back() * std::max<std::int64_t>(e - 1, 0);
        }
        std::vector<std::int32_t> memory(static_cast<std::size_t>(high - low + 1));
        std::iota(memory.begin(), memory.end(), 0);
        const Tensor x = Tensor::borrow(memory.data() - low, shape, strides);
        std::vector<std::int32_t> wanted{static_cast<std::int32_t>(-low)};
        for (std::size_t a = 0; a < shape.size(); ++a) {
            std::vector<std::int32_t> next;
            for (std::int32_t before : wanted)
                for (std::int64_t k = 0; k < shape[a]; ++k)
                    next.push_back(before + static_cast<std::int32_t>(k * strides[a]));
            wanted = std::move(next);
        }
        EXPECT_EQ(x.shape(), shape);
        EXPECT_EQ(x.to_vector<std::int32_t>(), wanted);
    }
}

TEST(Borrow, unaligned_memory_and_booleans_are_copied) {
    std::vector<std::byte> bytes(41);
    const float values[] = {1.5F, -2.0F};
    std::memcpy(bytes.data() + 1, values, sizeof values);
    const Tensor x = Tensor::borrow_as(Dtype::f32, bytes.data() + 1, {2});
    EXPECT_NE(x.bytes().data(), bytes.data() + 1);
    EXPECT_EQ((x + 1.0).to_vector<float>(), (std::vector<float>{2.5F, -1.0F}));
    const std::uint8_t truths[] = {0, 7, 1};
    const Tensor b = Tensor::borrow_as(Dtype::boolean, truths, {3});
    EXPECT_EQ(sum(b).item<int>(), 2) << "any but 0 is true";
    // Aligned to its elements alone, in the middle of something.
    std::vector<float> many(1000);
    std::iota(many.begin(), many.end(), 0.0F);
    const Tensor part = Tensor::borrow(many.data() + 3, {991});
    EXPECT_EQ(part.data<float>().data(), many.data() + 3);
    EXPECT_EQ(sum(part * 1.0).item<float>(), 991.0F * 498.0F);
}

TEST(Borrow, is_never_written_to) {
    Held held{{1, 2, 3}};
    const Tensor v = variable(Tensor::borrow(held.memory.data(), {3}, {}, held.owner()));
    const auto step = jit([&](const Tensor& x) {
        v.set(v + x);
        return x;
    });
    for (int i = 0; i < 3; ++i) step(ones({3}));
    EXPECT_EQ(v.to_vector<float>(), (std::vector<float>{4, 5, 6}));
    EXPECT_EQ(held.memory, (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(*held.releases, 1);
}

TEST(Borrow, says_what_is_wrong) {
    const float x = 1;
    EXPECT_THROW(Tensor::borrow(&x, {1}, {1, 1}), TypeError);
    EXPECT_THROW(Tensor::borrow(&x, {-1}), UserError);
    EXPECT_THROW(Tensor::borrow(static_cast<const float*>(nullptr), {1}), UserError);
    EXPECT_EQ(Tensor::borrow(static_cast<const float*>(nullptr), {0, 3}).shape(), (Extents{0, 3}));
    const Tensor v = variable(ones({2})), y = ones({2});
    EXPECT_THROW((void)v.data<float>(), UserError);
    EXPECT_THROW((void)y.data<double>(), TypeError);
    EXPECT_EQ(y.data<float>()[1], 1.0F);
    const Tensor three = Tensor::scalar(3);
    EXPECT_EQ(three.data<int>()[0], 3);
}

// ---- DLPack

struct Foreign {
    DLManagedTensor managed{};
    Extents shape, strides;
    int releases = 0;
    Foreign(void* data, DLDataType dtype, Extents of_shape, Extents of_strides, std::uint64_t offset = 0)
        : shape(std::move(of_shape)), strides(std::move(of_strides)) {
        managed.dl_tensor = {data,  {kDLCPU, 0},  static_cast<int>(shape.size()),
                             dtype, shape.data(), strides.empty() ? nullptr : strides.data(),
                             offset};
        managed.manager_ctx = this;
        managed.deleter = [](DLManagedTensor* self) { ++static_cast<Foreign*>(self->manager_ctx)->releases; };
    }
};
constexpr DLDataType f32{kDLFloat, 32, 1};

TEST(Dlpack, takes_over_and_releases_once) {
    std::vector<float> memory{0, 1, 2, 3, 4, 5};
    Foreign dense(memory.data(), f32, {2, 2}, {}, 2 * sizeof(float));
    {
        Tensor x = from_dlpack(&dense.managed);
        EXPECT_EQ(x.data<float>().data(), memory.data() + 2);
        const Tensor y = x + 1.0;
        x = Tensor();
        EXPECT_EQ(dense.releases, 0);
        EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{3, 4, 5, 6}));
    }
    EXPECT_EQ(dense.releases, 1);
    Foreign reversed(memory.data(), f32, {2, 3}, {0, -1}, 5 * sizeof(float));
    const Tensor r = from_dlpack(&reversed.managed);
    EXPECT_EQ(r.to_vector<float>(), (std::vector<float>{5, 4, 3, 5, 4, 3}));
    EXPECT_EQ(reversed.releases, 1);
    Foreign empty(nullptr, f32, {0}, {});
    EXPECT_EQ(from_dlpack(&empty.managed).size(), 0);
    EXPECT_EQ(empty.releases, 1);
}

TEST(Dlpack, what_is_refused_stays_with_the_caller) {
    std::vector<float> memory(8);
    Foreign complex(memory.data(), {kDLComplex, 64, 1}, {2}, {});
    EXPECT_THROW(from_dlpack(&complex.managed), TypeError);
    Foreign vectors(memory.data(), {kDLFloat, 32, 4}, {2}, {});
    EXPECT_THROW(from_dlpack(&vectors.managed), TypeError);
    Foreign elsewhere(memory.data(), f32, {2}, {});
    elsewhere.managed.dl_tensor.device = {kDLCUDA, 0};
    EXPECT_THROW(from_dlpack(&elsewhere.managed), TypeError);
    Foreign negative(memory.data(), f32, {-2}, {});
    EXPECT_THROW(from_dlpack(&negative.managed), UserError);
    EXPECT_THROW(from_dlpack(nullptr), UserError);
    for (const Foreign* f : {&complex, &vectors, &elsewhere, &negative}) EXPECT_EQ(f->releases, 0);
}

TEST(Dlpack, gives_its_memory_away_or_a_copy) {
    Tensor x = (ones({2, 3}) * 2.0).eval();
    const float* const own = x.data<float>().data();
    DLManagedTensor* const copy = to_dlpack(x);
    EXPECT_NE(copy->dl_tensor.data, own);
    static_cast<float*>(copy->dl_tensor.data)[0] = 7;
    EXPECT_EQ(x.to_vector<float>(), (std::vector<float>(6, 2.0F)));
    copy->deleter(copy);
    const Tensor other = x;
    DLManagedTensor* const shared = to_dlpack(std::move(x));
    EXPECT_NE(shared->dl_tensor.data, own);
    shared->deleter(shared);

    Tensor y = (ones({2, 3}) * 3.0).eval();
    const float* const alone = y.data<float>().data();
    DLManagedTensor* const given = to_dlpack(std::move(y));
    EXPECT_EQ(given->dl_tensor.data, alone);
    EXPECT_EQ(given->dl_tensor.ndim, 2);
    EXPECT_EQ(given->dl_tensor.strides[0], 3);
    // And back, without a copy.
    const Tensor back = from_dlpack(given);
    EXPECT_EQ(back.data<float>().data(), alone);
    EXPECT_EQ(back.to_vector<float>(), (std::vector<float>(6, 3.0F)));
}

TEST(Dlpack, keeps_every_dtype) {
    for (const Dtype d : ir::all_dtypes()) {
        const Tensor x = convert(Tensor::from({0.0F, 1.0F, 1.0F}), d);
        const Tensor y = from_dlpack(to_dlpack(x));
        const Dtype wanted = d == Dtype::boolean && DLPACK_VERSION < 80 ? Dtype::u8 : d;
        EXPECT_EQ(y.dtype(), wanted);
        EXPECT_EQ(y.to_vector<int>(), (std::vector<int>{0, 1, 1}));
    }
    std::uint8_t truths[] = {0, 2};
    Foreign booleans(truths, {6, 8, 1}, {2}, {});
    EXPECT_EQ(from_dlpack(&booleans.managed).to_vector<bool>(), (std::vector<bool>{false, true}));
    const Tensor v = variable(ones({2}));
    DLManagedTensor* const of_variable = to_dlpack(v);
    static_cast<float*>(of_variable->dl_tensor.data)[0] = 5;
    EXPECT_EQ(v.to_vector<float>()[0], 1.0F);
    of_variable->deleter(of_variable);
    EXPECT_THROW(to_dlpack(Tensor()), UserError);
}

}  // namespace
}  // namespace lathe
