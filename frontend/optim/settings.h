// Options of optimisers, and groups of parameters with options of their own.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe::optim {

// An option that knows whether the user gave it: a group takes from the optimiser what it leaves out.
template <class T>
class Setting {
public:
    constexpr Setting(T value) : value_(value), given_(true) {}  // NOLINT(google-explicit-constructor)
    static constexpr Setting by_default(T value) {
        Setting setting(value);
        setting.given_ = false;
        return setting;
    }
    constexpr operator T() const { return value_; }  // NOLINT(google-explicit-constructor)
    constexpr bool is_given() const { return given_; }

private:
    T value_;
    bool given_;
};
template <class T>
constexpr Setting<T> by_default(T value) {
    return Setting<T>::by_default(value);
}

// Parameters with options of their own; those that are left out are the optimiser's.
template <class Options>
struct Group {
    std::vector<Tensor> parameters;
    Options options = {};
};

namespace detail {

enum class Range : std::uint8_t { any, not_negative, above_zero, below_one };  // below_one: from 0 on

template <class Options, class T>
struct Field {
    std::string_view name;
    Setting<T> Options::* member;
    Range range = Range::any;
};
template <class Options, class T>
constexpr Field<Options, T> field(std::string_view name, Setting<T> Options::* member, Range range = Range::any) {
    return {name, member, range};
}

// Throws where the number is not within.
void require_within(std::string_view optimizer, std::string_view option, double number, Range range, Where where);

// A group's options with what it leaves out from the optimiser's, as Options::fields() lists them.
template <class Options>
Options complete(Options own, const Options& defaults, std::string_view optimizer, Where where) {
    const auto each = [&]<class T>(const Field<Options, T>& field) {
        if (!(own.*field.member).is_given()) own.*field.member = defaults.*field.member;
        if constexpr (std::is_same_v<T, double>)
            require_within(optimizer, field.name, own.*field.member, field.range, where);
    };
    std::apply([&](const auto&... field) { (each(field), ...); }, Options::fields());
    return own;
}

}  // namespace detail
}  // namespace lathe::optim
