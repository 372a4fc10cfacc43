// The cache of scalar programs. Entries are never removed: their number is bounded by rows times dtypes (attributes
// count only where they are a dtype, a number or a flag).
#include <atomic>
#include <mutex>

#include "ir/float_environment.h"
#include "ir/ops/op.h"

namespace lathe::ir {
namespace {

struct Key {
    const OpDef* op = nullptr;
    int part = -1;  // of the reducer; -1: the scalar rule
    Dtype result = Dtype::f32;
    std::span<const Dtype> dtypes;
    std::span<const Attribute> attributes;
};

// What of an attribute a scalar rule may depend on.
std::uint64_t word_of(const Attribute& a) {
    switch (kind_of(a)) {
        case AttributeKind::integer:
            return static_cast<std::uint64_t>(std::get<std::int64_t>(a));
        case AttributeKind::dtype:
            return static_cast<std::uint64_t>(std::get<Dtype>(a));
        case AttributeKind::boolean:
            return std::uint64_t{std::get<bool>(a)};
        default:
            return 0;
    }
}

std::size_t hash(const Key& key) {
    std::uint64_t h = reinterpret_cast<std::uintptr_t>(key.op);
    const auto mix = [&h](std::uint64_t word) { h = (h ^ word) * 0x9E3779B97F4A7C15U, h ^= h >> 29; };
    mix(static_cast<std::uint64_t>(key.part + 1) << 8 | static_cast<std::uint64_t>(key.result));
    for (Dtype d : key.dtypes) mix(static_cast<std::uint64_t>(d) + 1);
    for (const Attribute& a : key.attributes) mix(word_of(a));
    return h;
}

struct Entry {
    const OpDef* op;
    int part;
    Dtype result;
    std::vector<Dtype> dtypes;
    std::vector<std::uint64_t> attributes;
    ScalarProgram program;
    const Entry* next;

    bool matches(const Key& key) const {
        return op == key.op && part == key.part && result == key.result && std::ranges::equal(dtypes, key.dtypes) &&
               std::ranges::equal(attributes, key.attributes, {}, {}, word_of);
    }
};

constexpr std::size_t buckets = 1024;

// Readers follow the chain without a lock; writers take it and publish a complete entry. Never destroyed, so that
// threads that outlive main still find it.
struct Table {
    std::array<std::atomic<const Entry*>, buckets> heads{};
    std::mutex writers;
};
Table& table() {
    static Table& the = *new Table;
    return the;
}

const Entry* find(const Entry* entry, const Key& key) {
    while (entry != nullptr && !entry->matches(key)) entry = entry->next;
    return entry;
}

template <class Build>
const ScalarProgram& find_or_build(const Key& key, Build&& build) {
    std::atomic<const Entry*>& head = table().heads[hash(key) % buckets];
    if (const Entry* known = find(head.load(std::memory_order_acquire), key)) return known->program;
    const FloatEnvironment floats;  // constants are rounded once and for all
    std::vector<std::uint64_t> words;
    for (const Attribute& a : key.attributes) words.push_back(word_of(a));
    auto entry = std::make_unique<Entry>(Entry{
        key.op, key.part, key.result, {key.dtypes.begin(), key.dtypes.end()}, std::move(words), build(), nullptr});
    const std::lock_guard lock(table().writers);
    const Entry* first = head.load(std::memory_order_acquire);
    if (const Entry* known = find(first, key)) return known->program;
    entry->next = first;
    head.store(entry.get(), std::memory_order_release);
    return entry.release()->program;
}

}  // namespace

const ScalarProgram& scalar_program(const OpDef& op, std::span<const Dtype> operands,
                                    std::span<const Attribute> attributes, Dtype result) {
    return find_or_build({&op, -1, result, operands, attributes}, [&] {
        ScalarBuilder b;
        Scalars x;
        for (Dtype d : operands) x.push_back(b.parameter(d));
        const Scalars results = op.scalar({b, x, attributes, result});
        return b.finish(results);
    });
}

const ScalarProgram& reducer_program(const OpDef& op, ReducerPart part, std::span<const Dtype> elements,
                                     std::span<const Attribute> attributes) {
    const auto build = [&] {
        const Dtype accumulator = op.reducer.accumulator(elements[0]);
        // What init says the accumulators are.
        ScalarBuilder scratch;
        std::vector<Dtype> accumulators;
        for (const Scalar& s : op.reducer.init({scratch, elements[0], accumulator, attributes}))
            accumulators.push_back(s.dtype);
        if (accumulators[0] != accumulator)
            throw InternalError(std::string(op.name) + ": the first accumulator is not what the row says");

        ScalarBuilder b;
        const FoldContext context{b, elements[0], accumulator, attributes};
        const auto parameters = [&](std::span<const Dtype> dtypes) {
            Scalars scalars;
            for (Dtype d : dtypes) scalars.push_back(b.parameter(d));
            return scalars;
        };
        switch (part) {
            case ReducerPart::init:
                return b.finish(op.reducer.init(context));
            case ReducerPart::step: {
                const Scalars acc = parameters(accumulators);
                Scalars x = parameters(elements);
                const Scalar index = b.parameter(Dtype::i64);
                for (Scalar& element : x) element = b.convert(element, accumulator);
                return b.finish(op.reducer.step(context, acc, x, index));
            }
            case ReducerPart::combine: {
                const Scalars earlier = parameters(accumulators), later = parameters(accumulators);
                return b.finish(op.reducer.combine(context, earlier, later));
            }
            case ReducerPart::finish:
                break;
        }
        const Scalars acc = parameters(accumulators);
        return b.finish(op.reducer.finish(context, acc));
    };
    return find_or_build({&op, static_cast<int>(part), elements[0], elements, attributes}, build);
}

Attributes reducer_attributes(const OpDef& op, std::span<const Attribute> attributes) {
    const auto reaches = [](const AttributeDef& def) { return reaches_scalars(def.meaning); };
    if (std::ranges::none_of(op.attributes, reaches)) return {};
    Attributes seen(attributes.begin(), attributes.end());
    for (const AttributeDef& def : op.attributes)
        if (!reaches(def)) seen[def.slot] = blank_of(def.kind());
    return seen;
}

}  // namespace lathe::ir
