// What looks for elements, against the peer's: results that it allocates, as ours are.
#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "bench/comparison.h"

namespace comparison {

void searches(Comparison& c) {
    for (const std::int64_t n : {1000L, 1'000'000L}) {
        const std::string size = short_count(n);
        const Floats data = random_floats(static_cast<std::size_t>(n), 41);
        const Tensor x = tensor(data, {n});
        std::mt19937_64 engine(42);
        std::vector<std::int64_t> numbers(static_cast<std::size_t>(n));
        for (std::int64_t& i : numbers) i = std::uniform_int_distribution<std::int64_t>(0, 999)(engine);
        const Tensor few = Tensor::from(numbers, {n});
        Floats ordered = random_floats(10'000, 43);
        std::ranges::sort(ordered);
        const Tensor places = tensor(ordered, {10'000});
        c.row("argsort " + size, "lazy", lazy([=] { return argsort(x); }), peer::argsort(data));
        c.row("topk 10 of " + size, "lazy", lazy([=] { return topk(x, 10).first; }), peer::topk(data, 10));
        c.row("topk 100 of " + size, "lazy", lazy([=] { return topk(x, 100).first; }), peer::topk(data, 100));
        c.row("unique floats " + size, "lazy", lazy([=] { return unique(x).values; }), peer::unique(data));
        c.row("unique of 1000 integers " + size, "lazy", lazy([=] { return unique(few).values; }),
              peer::unique(numbers));
        c.row("bincount of 1000 " + size, "lazy", lazy([=] { return bincount(few); }), peer::bincount(numbers));
        c.row("searchsorted of 10K, " + size, "lazy", lazy([=] { return searchsorted(places, x); }),
              peer::searchsorted(ordered, data));
    }
    c.summarize("searches");
}

}  // namespace comparison
