#include "frontend/checkpoint/pytorch_value.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "ir/error.h"

namespace lathe::detail {
namespace {

using pickle::Kind;
using pickle::Object;
using pickle::Pickle;
using pickle::Ref;

constexpr std::size_t most_levels = 256;
// What one object of the pickle may be asked for again and again, as arguments of calls and keys of dicts are.
constexpr std::uint64_t most_values = std::uint64_t{1} << 24, longest_key = 1024;

// ---- names

struct StorageType {
    std::string_view name;  // in the module torch
    Dtype dtype;
    std::size_t components = 1;
};
constexpr StorageType storage_types[] = {
    {"DoubleStorage", Dtype::f64},
    {"FloatStorage", Dtype::f32},
    {"HalfStorage", Dtype::f16},
    {"BFloat16Storage", Dtype::bf16},
    {"LongStorage", Dtype::i64},
    {"IntStorage", Dtype::i32},
    {"ShortStorage", Dtype::i16},
    {"CharStorage", Dtype::i8},
    {"ByteStorage", Dtype::u8},
    {"BoolStorage", Dtype::boolean},
    {"ComplexFloatStorage", Dtype::f32, 2},
    {"ComplexDoubleStorage", Dtype::f64, 2},
};
constexpr std::string_view untyped_storages[] = {"torch.storage.UntypedStorage", "torch.UntypedStorage"};

constexpr StorageType dtypes[] = {
    {"float64", Dtype::f64},  {"float32", Dtype::f32},      {"float16", Dtype::f16},       {"bfloat16", Dtype::bf16},
    {"int64", Dtype::i64},    {"int32", Dtype::i32},        {"int16", Dtype::i16},         {"int8", Dtype::i8},
    {"uint64", Dtype::u64},   {"uint32", Dtype::u32},       {"uint16", Dtype::u16},        {"uint8", Dtype::u8},
    {"bool", Dtype::boolean}, {"complex64", Dtype::f32, 2}, {"complex128", Dtype::f64, 2},
};

// "torch.FloatStorage" and, of old files, "torch.cuda.FloatStorage".
const StorageType* find_type(std::span<const StorageType> types, std::string_view global, bool on_devices = false) {
    if (!global.starts_with("torch.")) return nullptr;
    global.remove_prefix(std::string_view("torch.").size());
    if (on_devices && global.starts_with("cuda.")) global.remove_prefix(std::string_view("cuda.").size());
    for (const StorageType& type : types)
        if (type.name == global) return &type;
    return nullptr;
}

bool is_untyped_storage(std::string_view global) { return std::ranges::count(untyped_storages, global) > 0; }

std::string layout_name(std::string_view global) {
    for (const std::string_view layout : {"torch.strided", "torch.contiguous_format", "torch.channels_last",
                                          "torch.channels_last_3d", "torch.preserve_format"})
        if (global == layout) return std::string(layout);
    return {};
}

// ---- values

class Reader {
public:
    Reader(const Pickle& pickle, const std::map<std::string, TorchStorage>& storages,
           const std::map<std::string, FileBytes::Held>& memory, const std::string& name, bool objects, Where where)
        : pickle_(pickle), storages_(storages), memory_(memory), name_(name), objects_(objects), where_(where) {}

    CheckpointValue result();

    CheckpointValue value(Ref ref) {
        if (const auto found = values_.find(ref); found != values_.end()) return found->second;
        const Object& object = pickle_[ref];
        if (++level_ > most_levels)
            fail(object, "values nest deeper than " + std::to_string(most_levels) + " levels, or hold themselves");
        CheckpointValue made = make(object);
        --level_;
        values_.emplace(ref, made);
        return made;
    }

    // ---- what calls of globals make

    CheckpointValue ordered_dict(const Object& call) {
        const std::vector<Ref>& arguments = arguments_of(call, 0, 1);
        std::vector<Ref> items;
        if (!arguments.empty()) {
            const Object& given = pickle_[arguments[0]];
            if (given.kind == Kind::dict) {
                items = given.items;
            } else {
                for (const Ref pair : sequence(given)) {
                    const std::vector<Ref>& key_and_value = sequence(pickle_[pair]);
                    if (key_and_value.size() != 2) fail(pickle_[pair], "an entry of a dict is no pair");
                    items.insert(items.end(), key_and_value.begin(), key_and_value.end());
                }
            }
        }
        items.insert(items.end(), call.items.begin(), call.items.end());
        return dict(items, "");
    }
    CheckpointValue list(const Object& call) {
        const std::vector<Ref>& arguments = arguments_of(call, 0, 1);
        return arguments.empty() ? CheckpointValue(CheckpointValue::List(), where_)
                                 : list_of(sequence(pickle_[arguments[0]]));
    }
    CheckpointValue device(const Object& call) {
        const std::vector<Ref>& arguments = arguments_of(call, 1, 2);
        std::string name = text(pickle_[arguments[0]]);
        if (arguments.size() == 2) name += ":" + std::to_string(integer(pickle_[arguments[1]]));
        return CheckpointValue(std::move(name));
    }
    // _rebuild_tensor(storage, offset, size, stride), and with more behind, which are no matter of values.
    CheckpointValue tensor(const Object& call) { return tensor_of(call, arguments_of(call, 4, 7), std::nullopt); }
    CheckpointValue tensor_with_dtype(const Object& call) {
        const std::vector<Ref>& arguments = arguments_of(call, 7, 8);
        const Object& named = pickle_[arguments[6]];
        const StorageType* const type = named.kind == Kind::global ? find_type(dtypes, named.text) : nullptr;
        if (type == nullptr) fail(named, "the dtype of a tensor is none that is read");
        return tensor_of(call, arguments, *type);
    }
    CheckpointValue parameter(const Object& call) { return value(arguments_of(call, 1, 4)[0]); }
    // _rebuild_from_type_v2(function, class, arguments, state): the tensor that the function makes of the arguments.
    CheckpointValue tensor_with_attributes(const Object& call) {
        const std::vector<Ref>& arguments = arguments_of(call, 4, 4);
        Object inner = call;
        inner.callee = arguments[0];
        inner.arguments = arguments[2];
        const std::string& function = pickle_[inner.callee].text;
        if (pickle_[inner.callee].kind != Kind::global || !function.starts_with("torch._utils._rebuild_") ||
            pickle_[inner.arguments].kind != Kind::tuple)
            fail(call, "a tensor is made by no function that is read");
        return called(inner);
    }
    // Python's way to make an object where a class does not say how: _reconstructor(class, object, None).
    CheckpointValue reconstructed(const Object& call) {
        const Object& named = pickle_[arguments_of(call, 3, 3)[0]];
        if (named.kind != Kind::global) fail(call, "what is made is no object of a class");
        return instance(call, named.text);
    }

    CheckpointValue called(const Object& call);

private:
    [[noreturn]] void fail(const Object& object, const std::string& what) const {
        throw FormatError(name_ + ": byte " + std::to_string(object.at) + ": " + what);
    }

    const std::vector<Ref>& arguments_of(const Object& call, std::size_t least, std::size_t most) const {
        const std::vector<Ref>& arguments = pickle_[call.arguments].items;
        if (arguments.size() < least || arguments.size() > most)
            fail(call, "'" + pickle_[call.callee].text + "' is called with " + std::to_string(arguments.size()) +
                           " arguments");
        return arguments;
    }
    const std::vector<Ref>& sequence(const Object& object) const {
        if (object.kind != Kind::list && object.kind != Kind::tuple && object.kind != Kind::set)
            fail(object, "a list or tuple is expected");
        return object.items;
    }
    std::string text(const Object& object) const {
        if (object.kind != Kind::text) fail(object, "a text is expected");
        return object.text;
    }
    std::int64_t integer(const Object& object) const {
        if (object.kind != Kind::integer) fail(object, "an integer is expected");
        return object.integer;
    }

    CheckpointValue make(const Object& object) {
        switch (object.kind) {
            case Kind::none:
                return {};
            case Kind::boolean:
                return CheckpointValue(object.integer != 0);
            case Kind::integer:
                return CheckpointValue(object.integer);
            case Kind::long_integer:
                fail(object, "an integer does not fit 64 bits");
            case Kind::real:
                return CheckpointValue(object.real);
            case Kind::text:
            case Kind::bytes:
                return CheckpointValue(object.text);
            case Kind::tuple:
            case Kind::list:
            case Kind::set:
                return list_of(object.items);
            case Kind::dict:
                return dict(object.items, "");
            case Kind::global:
                return named(object);
            case Kind::call:
                return object.instance ? instance(object, pickle_[object.callee].text) : called(object);
            case Kind::persistent:
                fail(object, "a storage stands where a value is expected");
        }
        fail(object, "a value is expected");
    }

    CheckpointValue named(const Object& global) const {
        if (objects_ || find_type(dtypes, global.text) != nullptr || !layout_name(global.text).empty())
            return CheckpointValue(global.text);
        fail(global, "the class or function '" + global.text + "' stands where a value is expected");
    }

    void count(std::uint64_t values) {
        counted_ += values;
        if (counted_ > most_values)
            throw FormatError(name_ + ": the pickle holds more than " + std::to_string(most_values) + " values");
    }
    CheckpointValue list_of(const std::vector<Ref>& items) {
        count(items.size());
        CheckpointValue::List values;
        values.reserve(items.size());
        for (const Ref item : items) values.push_back(value(item));
        return CheckpointValue(std::move(values), where_);
    }
    std::string key_of(const Object& key) const {
        if (key.kind == Kind::integer) return std::to_string(key.integer);
        if (key.kind != Kind::text) fail(key, "a key of a dict is neither a text nor an integer");
        if (key.text.size() > longest_key)
            fail(key, "a key of a dict has more than " + std::to_string(longest_key) + " bytes");
        return key.text;
    }
    CheckpointValue dict(const std::vector<Ref>& items, std::string class_name) {
        count(items.size());
        CheckpointValue::Dict entries;
        std::unordered_map<std::string, std::size_t> places;  // what is set twice has its last value in its first place
        for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
            std::string key = key_of(pickle_[items[i]]);
            const auto [place, fresh] = places.emplace(key, entries.size());
            if (fresh)
                entries.emplace_back(std::move(key), value(items[i + 1]));
            else
                entries[place->second].second = value(items[i + 1]);
        }
        return CheckpointValue(std::move(entries), std::move(class_name), where_);
    }

    // ---- objects of classes that are not known

    CheckpointValue instance(const Object& object, const std::string& class_name) {
        if (!objects_)
            fail(object, "an object of the class '" + class_name +
                             "' is none of the values that are read; the option 'objects' reads such as dicts");
        if (!object.items.empty()) fail(object, "an object of the class '" + class_name + "' has entries of its own");
        std::vector<Ref> attributes;
        if (object.state) {
            const Object& state = pickle_[*object.state];
            if (state.kind == Kind::dict)
                attributes = state.items;
            else if (state.kind != Kind::none)
                return CheckpointValue(CheckpointValue::Dict{{"state", value(*object.state)}}, class_name, where_);
        }
        CheckpointValue all = dict(attributes, class_name);
        return is_module(all) ? state_dict(all) : all;
    }
    static bool is_module(const CheckpointValue& attributes) {
        return std::ranges::all_of(
            std::initializer_list<std::string_view>{"_parameters", "_buffers", "_modules"}, [&](std::string_view part) {
                return attributes.contains(part) && attributes.at(part).kind() == CheckpointValue::Kind::dict;
            });
    }
    // As PyTorch's Module.state_dict() has it.
    CheckpointValue state_dict(const CheckpointValue& module) const {
        std::vector<std::string> passing;  // buffers that are not saved
        if (module.contains("_non_persistent_buffers_set"))
            if (const CheckpointValue set = module.at("_non_persistent_buffers_set");
                set.kind() == CheckpointValue::Kind::list)
                for (const CheckpointValue& name : set.list())
                    if (name.kind() == CheckpointValue::Kind::text) passing.push_back(name.text());
        CheckpointValue::Dict entries;
        for (const char* const part : {"_parameters", "_buffers", "_modules"})
            for (const auto& [name, value] : module.at(part).dict())
                if (!value.is_none() && std::ranges::find(passing, name) == passing.end())
                    entries.emplace_back(name, value);
        return CheckpointValue(std::move(entries), module.class_name(), where_);
    }

    // ---- tensors

    CheckpointValue tensor_of(const Object& call, const std::vector<Ref>& arguments,
                              const std::optional<StorageType>& type);

    const Pickle& pickle_;
    const std::map<std::string, TorchStorage>& storages_;
    const std::map<std::string, FileBytes::Held>& memory_;
    const std::string& name_;
    bool objects_;
    Where where_;
    std::size_t level_ = 0;
    std::uint64_t counted_ = 0;
    std::unordered_map<Ref, CheckpointValue> values_;
    using View = std::tuple<std::string, Dtype, std::int64_t, std::vector<std::int64_t>, std::vector<std::int64_t>>;
    std::map<View, CheckpointValue> views_;
};

struct Callable {
    std::string_view name;
    CheckpointValue (Reader::*read)(const Object& call);
};
constexpr Callable callables[] = {
    {"collections.OrderedDict", &Reader::ordered_dict},
    {"collections.Counter", &Reader::ordered_dict},
    {"builtins.set", &Reader::list},
    {"__builtin__.set", &Reader::list},
    {"torch.Size", &Reader::list},
    {"torch.device", &Reader::device},
    {"torch._utils._rebuild_tensor", &Reader::tensor},
    {"torch._utils._rebuild_tensor_v2", &Reader::tensor},
    {"torch._utils._rebuild_tensor_v3", &Reader::tensor_with_dtype},
    {"torch._utils._rebuild_parameter", &Reader::parameter},
    {"torch._utils._rebuild_parameter_with_state", &Reader::parameter},
    {"torch.nn.parameter.Parameter", &Reader::parameter},
    {"torch._tensor._rebuild_from_type_v2", &Reader::tensor_with_attributes},
};
constexpr Callable object_makers[] = {
    {"copyreg._reconstructor", &Reader::reconstructed},
    {"copy_reg._reconstructor", &Reader::reconstructed},
};

const Callable* find_callable(std::string_view name, bool objects) {
    for (const Callable& callable : callables)
        if (callable.name == name) return &callable;
    if (objects)
        for (const Callable& callable : object_makers)
            if (callable.name == name) return &callable;
    return nullptr;
}

CheckpointValue Reader::called(const Object& call) {
    const std::string& name = pickle_[call.callee].text;
    const Callable* const callable = find_callable(name, objects_);
    if (callable == nullptr) fail(call, "a call of '" + name + "' is none of those that are read");
    return (this->*callable->read)(call);
}

// Calls whose results the value does not hold are refused, too.
CheckpointValue Reader::result() {
    for (const Object& object : pickle_.objects)
        if (object.kind == Kind::call && !object.instance &&
            find_callable(pickle_[object.callee].text, objects_) == nullptr)
            called(object);
    return value(pickle_.result);
}

CheckpointValue Reader::tensor_of(const Object& call, const std::vector<Ref>& arguments,
                                  const std::optional<StorageType>& type) {
    const Object& identity = pickle_[arguments[0]];
    if (identity.kind != Kind::persistent) fail(identity, "the storage of a tensor is none");
    // storages_of() has looked at it.
    const TorchStorage& storage = storages_.at(pickle_[pickle_[identity.items[0]].items[2]].text);
    const Dtype dtype = type ? type->dtype : storage.dtype;
    const std::size_t components = type ? type->components : storage.components;
    if (!type && !storage.typed) fail(call, "a tensor of an untyped storage has no dtype");
    if (type && storage.typed && (dtype != storage.dtype || components != storage.components))
        fail(call, "a tensor and its storage have different dtypes");
    // All in numbers: a complex one is two of them.
    const auto step = static_cast<std::int64_t>(components);
    const std::int64_t available =
        static_cast<std::int64_t>(storage.elements * static_cast<std::int64_t>(storage.element_size()) /
                                  static_cast<std::int64_t>(size_of(dtype)));
    std::int64_t offset = integer(pickle_[arguments[1]]), count = 1, last = 0;
    std::vector<std::int64_t> shape, strides;
    const std::vector<Ref>&extents = sequence(pickle_[arguments[2]]), &steps = sequence(pickle_[arguments[3]]);
    if (extents.size() != steps.size()) fail(call, "a tensor has other numbers of extents and strides");
    if (extents.size() + (components > 1 ? 1 : 0) > ir::max_rank)
        fail(call, "a tensor has more than " + std::to_string(ir::max_rank) + " dimensions");
    bool fits = offset >= 0 && !__builtin_mul_overflow(offset, step, &offset);
    for (std::size_t i = 0; fits && i < extents.size(); ++i) {
        const std::int64_t extent = integer(pickle_[extents[i]]);
        std::int64_t stride = integer(pickle_[steps[i]]), reach = 0;
        fits = extent >= 0 && stride >= 0 && !__builtin_mul_overflow(stride, step, &stride) &&
               !__builtin_mul_overflow(count, extent, &count) &&
               !__builtin_mul_overflow(std::max<std::int64_t>(extent, 1) - 1, stride, &reach) &&
               !__builtin_add_overflow(last, reach, &last);
        shape.push_back(extent);
        strides.push_back(stride);
    }
    if (components > 1) {
        shape.push_back(step);
        strides.push_back(1);
        last += fits ? step - 1 : 0;
    }
    fits = fits && (count == 0 ? offset <= available : offset < available && last < available - offset);
    if (!fits)
        fail(call, "a tensor reaches behind its storage '" + storage.key + "', which has " +
                       std::to_string(storage.elements) + " elements");

    View view{storage.key, dtype, offset, shape, strides};
    if (const auto found = views_.find(view); found != views_.end()) return found->second;
    const FileBytes::Held& held = memory_.at(storage.key);
    const std::byte* const first = held.data + static_cast<std::size_t>(offset) * size_of(dtype);
    try {
        CheckpointValue made(Tensor::borrow_as(dtype, first, shape, strides, held.owner, where_));
        views_.emplace(std::move(view), made);
        return made;
    } catch (const TypeError& e) {
        fail(call, e.message());
    }
}

}  // namespace

bool is_torch_global(std::string_view global) {
    return std::ranges::any_of(callables, [&](const Callable& c) { return c.name == global; }) ||
           find_type(storage_types, global, true) != nullptr || find_type(dtypes, global) != nullptr ||
           is_untyped_storage(global) || !layout_name(global).empty();
}

std::map<std::string, TorchStorage> storages_of(const Pickle& pickle, const std::string& name) {
    std::map<std::string, TorchStorage> storages;
    for (const Object& object : pickle.objects) {
        if (object.kind != Kind::persistent) continue;
        const auto fail = [&](const std::string& what) {
            throw FormatError(name + ": byte " + std::to_string(object.at) + ": " + what);
        };
        // ("storage", its type, key, device, elements) and, in old files, None or a part of another storage.
        const std::vector<Ref>& identity = pickle[object.items[0]].items;
        const auto is = [&](std::size_t i, Kind kind) { return pickle[identity[i]].kind == kind; };
        if (pickle[object.items[0]].kind != Kind::tuple || identity.size() < 5 || identity.size() > 6 ||
            !is(0, Kind::text) || pickle[identity[0]].text != "storage" || !is(1, Kind::global) || !is(2, Kind::text) ||
            !is(4, Kind::integer) || pickle[identity[4]].integer < 0)
            fail("what the file keeps elsewhere is no storage");
        if (identity.size() == 6 && !is(5, Kind::none)) fail("a storage is a part of another, which is not supported");
        const std::string& type = pickle[identity[1]].text;
        TorchStorage storage{.key = pickle[identity[2]].text, .elements = pickle[identity[4]].integer, .at = object.at};
        if (const StorageType* const known = find_type(storage_types, type, true)) {
            storage.dtype = known->dtype;
            storage.components = known->components;
        } else if (is_untyped_storage(type)) {
            storage.typed = false;
        } else {
            fail("the storage type '" + type + "' is not supported");
        }
        if (static_cast<std::uint64_t>(storage.elements) > INT64_MAX / storage.element_size())
            fail("a storage is too large");
        const auto [place, fresh] = storages.emplace(storage.key, storage);
        const TorchStorage& first = place->second;
        if (!fresh && (first.dtype != storage.dtype || first.components != storage.components ||
                       first.typed != storage.typed || first.elements != storage.elements))
            fail("the storage '" + storage.key + "' is named with another type or size than before");
    }
    return storages;
}

CheckpointValue value_of(const Pickle& pickle, const std::map<std::string, TorchStorage>& storages,
                         const std::map<std::string, FileBytes::Held>& memory, const std::string& name, bool objects,
                         Where where) {
    return Reader(pickle, storages, memory, name, objects, where).result();
}

}  // namespace lathe::detail
