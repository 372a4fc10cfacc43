// Evaluation of pending nodes: claim the ancestors of the targets, encode their structure as a key, find or compile the
// plan for it, run it, publish the results.
//
// The key holds ops, attributes, who reads whom, which nodes are results, and the types of the inputs; never the values
// of numbers. A thread looks in a small table of its own first, then in the shared one.
//
// Where shapes are new, their structure may be known: a second key, and table, have symbols in place of extents and of
// the sizes in attributes. A program over those symbols serves all shapes of the structure; a new shape costs its
// binding and no pass. Extents of 0 and 1 are structure, and so is how large an array is by orders that matter to
// passes.
#include <algorithm>
#include <array>
#include <cstring>
#include <list>
#include <mutex>
#include <span>
#include <unordered_map>

#include "codegen/compile.h"
#include "frontend/tensor/node.h"
#include "frontend/tensor/run_plan.h"
#include "frontend/tensor/view.h"
#include "frontend/trace/region.h"
#include "frontend/trace/trace.h"
#include "ir/graph/graph.h"
#include "ir/graph/unifier.h"
#include "ir/ops/ops.h"
#include "runtime/per_thread.h"

namespace lathe::detail {
namespace {

using Key = std::span<const std::uint64_t>;

// Odd addends and multipliers of a multilinear hash of pairs of words, whose products do not wait for each other
// (Lemire and Kaser, Strongly universal string hashing is fast).
constexpr std::size_t multiplier_count = 64;
constexpr std::array<std::uint64_t, multiplier_count> make_multipliers() {
    std::array<std::uint64_t, multiplier_count> out{};
    std::uint64_t x = 0x9e3779b97f4a7c15ULL;
    for (std::uint64_t& m : out) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        m = x | 1;
    }
    return out;
}
constexpr auto multipliers = make_multipliers();

// The key has an even number of words. Out of line: inlined, it took 15 ns more of a small evaluation (g++ 12).
[[gnu::noinline]] std::uint64_t hash_of(Key key) {
    const auto add = [](std::uint64_t h, const std::uint64_t* words, std::size_t count) {
        for (std::size_t i = 0; i < count; i += 2)
            h += (words[i] + multipliers[i]) * (words[i + 1] + multipliers[i + 1]);
        return h;
    };
    std::uint64_t h = key.size();
    for (; key.size() > multiplier_count; key = key.subspan(multiplier_count)) {
        h = add(h, key.data(), multiplier_count);
        h = (h << 7 | h >> 57) * multipliers[0];
    }
    h = add(h, key.data(), key.size());
    h ^= h >> 32;
    return (h * multipliers[1]) >> 8;
}

bool equal(Key a, Key b) { return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0; }

// A key while it is written.
class KeyBuffer {
public:
    // Room for `words` more; whoever wrote them says where they end.
    std::uint64_t* room(std::size_t words) {
        if (static_cast<std::size_t>(limit_ - end_) < words) [[unlikely]]
            grow(words);
        return end_;
    }
    void end_at(std::uint64_t* end) { end_ = end; }
    void push_back(std::uint64_t word) {
        *room(1) = word;
        ++end_;
    }
    void clear() { end_ = words_.data(); }
    // Fills the last pair.
    Key finish() {
        if ((end_ - words_.data()) % 2 != 0) push_back(0);
        return key();
    }
    Key key() const { return {words_.data(), end_}; }

private:
    void grow(std::size_t words) {
        const auto used = end_ - words_.data();
        words_.resize(std::max(2 * words_.size(), static_cast<std::size_t>(used) + words));
        end_ = words_.data() + used;
        limit_ = words_.data() + words_.size();
    }

    std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(256);
    std::uint64_t* end_ = words_.data();
    std::uint64_t* limit_ = words_.data() + words_.size();
};

// The program of a structure; none where the structure has none that holds for all shapes.
struct StructureEntry {
    std::vector<std::uint64_t> key;
    std::uint64_t hash = 0;
    std::shared_ptr<const codegen::Executable> executable;
};

struct PlanEntry {
    std::vector<std::uint64_t> key;
    std::uint64_t hash = 0;  // of the key
    std::shared_ptr<const codegen::Executable> executable;
    std::shared_ptr<const runtime::BoundPlan> bound;
    bool shared_outputs = false;         // several nodes turned out to be the same value
    std::vector<std::uint32_t> results;  // numbers of the nodes that get data, in the order of the graph's outputs
    std::size_t result_operands = 0;     // of those nodes
};

// All entries of a kind, oldest use first out.
template <class Entry>
class KeyedCache {
public:
    static KeyedCache& shared() {
        static auto* cache = new KeyedCache;  // threads may evaluate while the process ends
        return *cache;
    }
    std::shared_ptr<const Entry> find(std::uint64_t hash, Key key) {
        const std::lock_guard lock(mutex_);
        const auto [first, last] = entries_.equal_range(hash);
        for (auto i = first; i != last; ++i)
            if (equal((*i->second)->key, key)) {
                order_.splice(order_.end(), order_, i->second);
                return *i->second;
            }
        return nullptr;
    }
    void insert(std::shared_ptr<const Entry> entry) {
        const std::lock_guard lock(mutex_);
        if (order_.size() >= capacity) {
            const std::uint64_t oldest = order_.front()->hash;
            const auto [first, last] = entries_.equal_range(oldest);
            for (auto i = first; i != last; ++i)
                if (i->second == order_.begin()) {
                    entries_.erase(i);
                    break;
                }
            order_.pop_front();
        }
        const std::uint64_t hash = entry->hash;
        entries_.emplace(hash, order_.insert(order_.end(), std::move(entry)));
    }

private:
    static constexpr std::size_t capacity = 4096;
    std::mutex mutex_;  // protects both members
    std::list<std::shared_ptr<const Entry>> order_;
    std::unordered_multimap<std::uint64_t, typename std::list<std::shared_ptr<const Entry>>::iterator> entries_;
};
using PlanCache = KeyedCache<PlanEntry>;
using StructureCache = KeyedCache<StructureEntry>;

// Sizes of one evaluation, as symbols: extents of its inputs and sizes in attributes, in the order of the key.
class Sizes {
public:
    // What a size becomes: 0, 1 and negative ones are structure. Where a single element is taken from is none, however
    // low: what becomes of it is the same.
    static bool is_structure(ir::Dim d, bool is_place) { return !d.is_constant() || d.constant() < (is_place ? 0 : 2); }

    ir::Dim symbol_for(ir::Dim d, bool is_place = false) {
        if (is_structure(d, is_place)) return d;
        values_.push_back(d.constant());
        return ir::Dim::symbol(static_cast<ir::Symbol>(values_.size() - 1));
    }
    void add(ir::Dim d, bool is_place = false) {
        if (!is_structure(d, is_place)) values_.push_back(d.constant());
    }
    const std::vector<std::int64_t>& values() const { return values_; }

private:
    std::vector<std::int64_t> values_;
};

// Whether one of a row's attributes says for a dimension where the only element is taken from.
bool is_place(const ir::OpDef& op, std::span<const ir::Attribute> attributes, std::size_t attribute,
              std::size_t dimension) {
    if (op.attributes[attribute].meaning != ir::AttributeMeaning::starts) return false;
    for (std::size_t i = 0; i < attributes.size(); ++i)
        if (op.attributes[i].meaning == ir::AttributeMeaning::sizes)
            return std::get<ir::Shape>(attributes[i])[dimension] == ir::Dim(1);
    return false;
}

// Replaces every size d among a node's attributes by map(d, whether it is a place), within regions too.
template <class Map>
void map_sizes(const ir::OpDef& op, ir::Attributes& attributes, const Map& map) {
    for (std::size_t i = 0; i < attributes.size(); ++i) {
        if (std::holds_alternative<ir::Region>(attributes[i])) {
            ir::map_dims(std::span(&attributes[i], 1), [&](ir::Dim d) { return map(d, false); });
        } else if (auto* const shape = std::get_if<ir::Shape>(&attributes[i])) {
            std::vector<bool> places;
            for (std::size_t d = 0; d < shape->rank(); ++d) places.push_back(is_place(op, attributes, i, d));
            for (std::size_t d = 0; d < shape->rank(); ++d) (*shape)[d] = map((*shape)[d], places[d]);
        }
    }
}

// How large an array is, as far as passes ask: whether its reduction is worth two kernels, and whether it fits the
// cache.
std::uint64_t size_class(const ir::Type& type) {
    static const passes::LoopTarget& target =
        *new passes::LoopTarget(codegen::loop_target(codegen::host_target()));  // never destroyed
    const std::int64_t count = type.shape.element_count().constant();
    return (count >= target.staged_elements ? 1U : 0U) + (target.streams(count, type.dtype) ? 2U : 0U);
}

class PendingBuilder final : public GraphBuilder {
public:
    // With `sizes`, those in attributes become symbols; what is known of symbols is applied to all.
    PendingBuilder(ir::Graph& graph, Sizes* sizes, const ir::Unifier& unifier)
        : GraphBuilder(graph), sizes_(sizes), unifier_(unifier) {}

protected:
    ir::Attributes attributes(const Node& node) override {
        ir::Attributes out = GraphBuilder::attributes(node);
        if (sizes_ == nullptr) return out;
        map_sizes(*node.op, out, [this](ir::Dim d, bool is_place) { return sizes_->symbol_for(d, is_place); });
        return unifier_.apply(std::move(out));
    }

    bool is_input(Node&) override { return false; }
    ir::Value input(Node& node) override { throw InternalError("evaluate: an unknown input", node.location()); }

private:
    Sizes* sizes_;
    const ir::Unifier& unifier_;
};

constexpr std::size_t front_size = 256;

class Evaluation {
public:
    void run(std::span<Node* const> targets) {
        targets_ = targets;
        // What is blamed where nothing else is known. Nodes that are not ready keep their lines.
        const Node& first = *targets[0];
        try {
            while (true) {
                Node* busy = nullptr;
                for (Node* t : targets)
                    if ((busy = claim(t)) != nullptr) break;
                if (busy == nullptr) break;
                const NodeRef keep = NodeRef::share(busy);
                abandon();
                await(*busy);
            }
            if (order_.empty()) return;
            compute();
        } catch (...) {
            abandon();
            rethrow(LocScope::current().line() != 0 ? blame({}) : first.location());
        }
        publish();
    }

private:
    NodeState self() const { return reinterpret_cast<NodeState>(this); }

    bool is_mine(const Node& node) const { return (node.state.load(std::memory_order_relaxed) & ~awaited) == self(); }

    // Claims the target and its pending ancestors, ancestors first in `order_`. A node that another evaluation works on
    // is returned: nothing may be held while waiting for it.
    Node* claim(Node* target) {
        if (Node* busy = take(target)) return busy;
        while (!stack_.empty()) {
            auto& [node, next] = stack_.back();
            const auto inputs = node->inputs();
            if (next == inputs.size()) {
                finish(node);
                stack_.pop_back();
                continue;
            }
            Node* x = inputs[next++];
            if (Node* busy = take(x)) return busy;
            if (is_mine(*x)) ++x->uses;
        }
        return nullptr;
    }

    Node* take(Node* node) {
        NodeState state = node->state.load(std::memory_order_acquire);
        if (state == ready || (state & ~awaited) == self()) return nullptr;
        if (node->symbolic) throw_symbolic(*node);
        // Nothing may fail between the claim and its record.
        make_room(stack_);
        make_room(order_);
        while (state == pending) {
            if (node->state.compare_exchange_weak(state, self(), std::memory_order_acquire)) {
                node->uses = 0;
                if (std::ranges::all_of(node->inputs(), [](const Node* x) { return x->is_ready(); }))
                    finish(node);
                else
                    stack_.emplace_back(node, 0);
                return nullptr;
            }
        }
        return state == ready ? nullptr : node;
    }
    // All ancestors of the node are in order.
    void finish(Node* node) {
        node->number = static_cast<std::uint32_t>(order_.size());
        order_.push_back(node);
    }
    template <class T>
    static void make_room(std::vector<T>& v) {
        if (v.size() == v.capacity()) v.reserve(std::max<std::size_t>(64, 2 * v.size()));
    }

    [[noreturn]] static void throw_symbolic(const Node& node) {
        throw UserError(
            in_region() ? "the value of a tensor was asked for inside of a loop, a branch or vmap; it is known only "
                          "when that runs"
            : Trace::current() != nullptr
                ? "the value of a tensor was asked for while its function is being traced; it is known only when the "
                  "compiled function runs"
                : "the value of a tensor was asked for while the derivative of its function is being taken; until the "
                  "function has returned there is none",
            LocScope::current().line() != 0 ? blame({}) : node.location());
    }

    void abandon() {
        for (auto& [node, next] : stack_) settle(*node, pending);
        for (Node* node : order_) settle(*node, pending);
        clear();
    }
    void clear() {
        stack_.clear();
        order_.clear();
        leaves_.clear();
        if (!leaf_numbers_.empty()) leaf_numbers_.clear();
        key_.clear();
        results_.clear();
        shared_.clear();
        buffers_.clear();
    }

    std::uint32_t leaf_number(Node* leaf) {
        constexpr std::size_t few = 16;
        if (leaves_.size() <= few) {
            for (std::size_t i = 0; i < leaves_.size(); ++i)
                if (leaves_[i] == leaf) return static_cast<std::uint32_t>(i);
        } else {
            if (leaf_numbers_.empty())
                for (std::size_t i = 0; i < leaves_.size(); ++i)
                    leaf_numbers_[leaves_[i]] = static_cast<std::uint32_t>(i);
            const auto found = leaf_numbers_.find(leaf);
            if (found != leaf_numbers_.end()) return found->second;
            leaf_numbers_[leaf] = static_cast<std::uint32_t>(leaves_.size());
        }
        leaves_.push_back(leaf);
        return static_cast<std::uint32_t>(leaves_.size() - 1);
    }

    // Of a node of this evaluation; without its row, of one in a region, where map_sizes knows of no places.
    void encode(const ir::Attributes& attributes, const ir::OpDef* op) {
        for (std::size_t i = 0; i < attributes.size(); ++i) {
            const ir::Attribute& a = attributes[i];
            key_.push_back(a.index());
            std::visit(
                [&](const auto& x) {
                    using X = std::decay_t<decltype(x)>;
                    if constexpr (std::is_same_v<X, ir::Integers>) {
                        key_.push_back(x.size());
                        for (std::int64_t i : x) key_.push_back(static_cast<std::uint64_t>(i));
                    } else if constexpr (std::is_same_v<X, ir::Shape>) {
                        encode(x, 0, sizes_are_symbols_,
                               [&](std::size_t d) { return op != nullptr && is_place(*op, attributes, i, d); });
                    } else if constexpr (std::is_same_v<X, ir::Literal>) {
                        encode(x.type.shape, static_cast<std::uint64_t>(x.type.dtype), false);
                        encode_bytes({x.bytes->data(), x.bytes->size()});
                    } else if constexpr (std::is_same_v<X, std::string>) {
                        encode_bytes(std::as_bytes(std::span(x)));
                    } else if constexpr (std::is_same_v<X, ir::Region>) {
                        encode(*x.graph);
                    } else {
                        key_.push_back(static_cast<std::uint64_t>(x));
                    }
                },
                a);
        }
    }
    void encode(const ir::Graph& region) {
        const auto encode_values = [this](std::span<const ir::Value> values) {
            key_.push_back(values.size());
            for (const ir::Value& v : values) key_.push_back(std::uint64_t{v.node->id} << 32 | v.index);
        };
        key_.push_back(region.nodes().size());
        for (const ir::Node& node : region.nodes()) {
            key_.push_back(reinterpret_cast<std::uint64_t>(node.op));
            encode_values(node.operands);
            encode(node.attributes, nullptr);
        }
        encode_values(region.parameters());
        encode_values(region.outputs());
    }
    void encode(const ir::Type& type) {
        encode(type.shape, static_cast<std::uint64_t>(type.dtype), sizes_are_symbols_);
    }
    static bool no_place(std::size_t) { return false; }
    template <class IsPlace = decltype(&no_place)>
    void encode(const ir::Shape& shape, std::uint64_t dtype, bool as_symbols, const IsPlace& is_place = no_place) {
        std::uint64_t* word = key_.room(1 + ir::max_rank);
        *word++ = dtype << 8 | shape.rank();
        if (as_symbols) [[unlikely]]
            for (std::size_t d = 0; d < shape.rank(); ++d)
                *word++ = Sizes::is_structure(shape[d], is_place(d)) ? shape[d].bits() : symbol_word;
        else
            for (ir::Dim d : shape) *word++ = d.bits();
        key_.end_at(word);
    }
    void encode_bytes(std::span<const std::byte> bytes) {
        key_.push_back(bytes.size());
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            word = (word << 8) | std::to_integer<std::uint64_t>(bytes[i]);
            if (i % 8 == 7 || i + 1 == bytes.size()) {
                key_.push_back(word);
                word = 0;
            }
        }
    }

    // A claimed node gets data where somebody beyond the claimed nodes holds it.
    static bool is_result(const Node& node) {
        if (node.kind == NodeKind::op && node.op->result_types != nullptr) return false;  // its projections are
        return node.references.load(std::memory_order_relaxed) > node.uses;
    }

    // A view of what is in memory afterwards costs its readers nothing, so that it gets no memory of its own unless
    // somebody asks for its elements.
    bool stays_view(const Node& node) const {
        if (!is_view(node) || std::ranges::find(targets_, &node) != targets_.end()) return false;
        const Node& origin = viewed(node);
        return origin.is_ready() || is_result(origin);
    }

    // Whoever lets go of a handle meanwhile changes nothing: which nodes are results is found once, for both keys.
    void find_results() {
        for (Node* node : order_) {
            if (!is_result(*node)) continue;
            if (runtime::Buffer shared = is_view(*node) ? share_viewed(*node) : runtime::Buffer()) {
                shared_.emplace_back(node, std::move(shared));
            } else if (!stays_view(*node)) {
                results_.push_back(node->number);
            }
        }
    }

    void encode() {
        auto next_result = results_.begin();
        constexpr std::uint64_t leaf_bit = 1ULL << 32;
        for (Node* node : order_) {
            const auto inputs = node->inputs();
            std::uint64_t* word = key_.room(2 + inputs.size());
            *word++ =
                reinterpret_cast<std::uint64_t>(node->op) ^ (node->kind == NodeKind::projection ? node->index + 1 : 0);
            const bool result = next_result != results_.end() && *next_result == node->number;
            if (result) ++next_result;
            *word++ = (static_cast<std::uint64_t>(inputs.size()) << 1) | static_cast<std::uint64_t>(result);
            for (Node* x : inputs) *word++ = is_mine(*x) ? x->number : leaf_bit | leaf_number(x);
            key_.end_at(word);
            if (node->attributes) encode(*node->attributes, node->op);
        }
        for (const Node* leaf : leaves_) encode(leaf->type);
    }

    void compute() {
        fresh_.reset();
        entry_ = nullptr;
        find_results();
        if (results_.empty()) return dropped_.reserve(dropped_.size() + shared_.size());
        encode();
        const Key key = key_.finish();
        const std::uint64_t hash = hash_of(key);
        std::shared_ptr<const PlanEntry>& front = front_[hash % front_size];
        if (!front || !equal(front->key, key)) {
            front = PlanCache::shared().find(hash, key);
            if (!front) {
                front = plan_for(hash);
                PlanCache::shared().insert(front);
            }
        }
        entry_ = front.get();
        dropped_.reserve(dropped_.size() + entry_->result_operands + shared_.size());  // publishing may not fail
        inputs_.clear();
        for (Node* leaf : leaves_) inputs_.push_back(leaf->elements());
        outputs_.clear();
        for (std::int64_t bytes : entry_->bound->output_bytes) {
            buffers_.push_back(allocate_output(bytes));
            outputs_.push_back(buffers_.back().data());
        }
        const runtime::Plan& plan = entry_->executable->plan;
        if (const runtime::RunFault fault = try_run_bound(*entry_->bound, inputs_.data(), outputs_.data())) {
            // The plan may have been made for equal calls on other lines.
            if (entry_ == fresh_.get()) throw_fault(plan, fault);
            throw_fault(compile(hash)->executable->plan, fault);
        }
    }

    [[gnu::noinline]] runtime::Buffer allocate_output(std::int64_t bytes) const {
        try {
            return runtime::allocate(static_cast<std::size_t>(bytes));
        } catch (const runtime::ResourceExhausted& e) {
            blame_output(buffers_.size(), e.what());
        }
    }
    // There is no memory for an output of the plan: the call that made it is named.
    [[noreturn, gnu::cold]] void blame_output(std::size_t output, const std::string& why) const {
        const auto at = std::ranges::find(entry_->executable->outputs, output);
        const auto result = static_cast<std::size_t>(at - entry_->executable->outputs.begin());
        const Node& node = *order_[entry_->results[result]];
        const std::string op = node.op != nullptr ? std::string(node.op->name) + ": " : "";
        throw ResourceError(op + why + ", for " + node.type.to_string(), node.location());
    }

    // The graph of what is claimed; with `sizes`, over symbols.
    void build(ir::Graph& graph, Sizes* sizes, const ir::Unifier& unifier) {
        graph.name = "lazy";
        PendingBuilder builder(graph, sizes, unifier);
        for (std::size_t i = 0; i < leaves_.size(); ++i) {
            ir::Type type = leaves_[i]->type;
            if (sizes != nullptr)
                for (std::size_t d = 0; d < type.shape.rank(); ++d) type.shape[d] = sizes->symbol_for(type.shape[d]);
            builder.bind(leaves_[i], graph.add_parameter("x" + std::to_string(i), unifier.apply(type)));
        }
        for (Node* node : order_) builder.build(node);
        for (std::size_t i = 0; i < results_.size(); ++i)
            graph.add_output("y" + std::to_string(i), builder.build(order_[results_[i]]));
    }

    // A program for these shapes alone.
    std::shared_ptr<const PlanEntry> compile(std::uint64_t hash) {
        ir::Graph graph;
        build(graph, nullptr, {});
        auto entry = new_entry(hash, codegen::compile(graph));
        entry->bound = runtime::bind_plan_uncached(entry->executable->plan, {});
        return entry;
    }

    std::shared_ptr<PlanEntry> new_entry(std::uint64_t hash, std::shared_ptr<const codegen::Executable> executable) {
        auto entry = std::make_shared<PlanEntry>();
        entry->key.assign(key_.key().begin(), key_.key().end());
        entry->hash = hash;
        entry->results = results_;
        for (const std::uint32_t r : results_) entry->result_operands += order_[r]->operand_count;
        entry->executable = std::move(executable);
        entry->shared_outputs = entry->executable->plan.outputs.size() != results_.size();
        return entry;
    }

    // A plan for new shapes: by a program of their structure, where there is one.
    std::shared_ptr<const PlanEntry> plan_for(std::uint64_t hash) {
        const std::vector<std::uint64_t> structure = structure_key();
        const std::uint64_t structure_hash = hash_of(structure);
        std::shared_ptr<const StructureEntry> found = StructureCache::shared().find(structure_hash, structure);
        const bool is_new = !found;
        if (!found) {
            found =
                std::make_shared<const StructureEntry>(StructureEntry{structure, structure_hash, compile_structure()});
            StructureCache::shared().insert(found);
        }
        if (found->executable) {
            auto entry = new_entry(hash, found->executable);
            try {
                entry->bound = runtime::bind_plan_uncached(entry->executable->plan, sizes_of_claimed().values());
                if (is_new) fresh_ = entry;
                return entry;
            } catch (const runtime::PlanError&) {  // the structure demands more than these shapes have in common
            }
        }
        return fresh_ = compile(hash);
    }

    Sizes sizes_of_claimed() const {
        Sizes sizes;
        for (const Node* leaf : leaves_)
            for (const ir::Dim d : leaf->type.shape) sizes.add(d);
        for (const Node* node : order_) {
            if (!node->attributes) continue;
            ir::Attributes copy = *node->attributes;
            map_sizes(*node->op, copy, [&](ir::Dim d, bool is_place) {
                sizes.add(d, is_place);
                return d;
            });
        }
        return sizes;
    }

    // A program over symbols; none where the structure does not allow one.
    std::shared_ptr<const codegen::Executable> compile_structure() {
        try {
            const auto with_symbols = [&](ir::Graph& graph, const ir::Unifier& unifier) {
                const std::size_t count = sizes_of_claimed().values().size();
                for (std::size_t i = 0; i < count; ++i) graph.symbols.push_back("n" + std::to_string(i));
                Sizes sizes;
                build(graph, &sizes, unifier);
                return sizes.values();
            };
            ir::Graph demands;  // built for what the ops demand of the symbols
            with_symbols(demands, {});
            const ir::Unifier unifier(demands.preconditions);
            ir::Graph graph;
            codegen::CompileOptions options;
            options.pipeline.typical_symbols = with_symbols(graph, unifier);
            return codegen::compile(graph, options);
        } catch (const UserError&) {
            return nullptr;  // it is said where the shapes are known
        }
    }

    // The key with symbols in place of sizes.
    std::vector<std::uint64_t> structure_key() {
        KeyBuffer exact = std::move(key_);
        key_ = KeyBuffer();
        sizes_are_symbols_ = true;
        encode();
        for (const Node* leaf : leaves_) key_.push_back(size_class(leaf->type));
        for (const std::uint32_t r : results_) key_.push_back(size_class(order_[r]->type));
        sizes_are_symbols_ = false;
        const Key key = key_.finish();
        std::vector<std::uint64_t> out(key.begin(), key.end());
        key_ = std::move(exact);
        return out;
    }

    void publish() noexcept {
        for (std::size_t i = 0; i < results_.size(); ++i) {
            runtime::Buffer& data = buffers_[entry_->executable->outputs[i]];
            give(*order_[results_[i]], entry_->shared_outputs ? data : std::move(data));
        }
        for (auto& [node, data] : shared_) give(*node, std::move(data));
        // Nodes without data stay as they were; those that nobody holds go with their readers' references.
        for (Node* node : order_) settle(*node, node->data ? ready : pending);
        clear();
        // Memory of the host goes back to it here, and what it then does is its own business: nothing else of this is
        // in use, and an evaluation that it starts on this thread may release the rest.
        while (!dropped_.empty()) {
            Node* node = dropped_.back();
            dropped_.pop_back();
            release_operand(node);
        }
    }
    void give(Node& node, runtime::Buffer data) noexcept {
        node.data = std::move(data);
        if (node.keeps_history) return;
        for (Node* x : node.inputs()) dropped_.push_back(x);
        node.operand_count = 0;
        node.more_operands.reset();
    }

    std::vector<std::pair<Node*, std::size_t>> stack_;
    std::vector<Node*> order_, leaves_, dropped_;
    std::unordered_map<Node*, std::uint32_t> leaf_numbers_;
    KeyBuffer key_;
    static constexpr std::uint64_t symbol_word = ~std::uint64_t{0};  // in place of a size
    bool sizes_are_symbols_ = false;                                 // in the key that is being written
    std::span<Node* const> targets_;
    std::vector<std::uint32_t> results_;
    std::vector<std::pair<Node*, runtime::Buffer>> shared_;  // views whose elements lie in memory already
    std::array<std::shared_ptr<const PlanEntry>, front_size> front_;
    const PlanEntry* entry_ = nullptr;
    std::shared_ptr<const PlanEntry> fresh_;  // what was compiled last, if it was compiled for these very nodes
    std::vector<const void*> inputs_;
    std::vector<void*> outputs_;
    std::vector<runtime::Buffer> buffers_;
};

}  // namespace

void evaluate(std::span<Node* const> targets) {
    // Kept by each thread, so that nothing is allocated once it is warm.
    if (Evaluation* const mine = runtime::PerThread<Evaluation>::mine()) [[likely]]
        mine->run(targets);
    else
        Evaluation().run(targets);
}

}  // namespace lathe::detail
