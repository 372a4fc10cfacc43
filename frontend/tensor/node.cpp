// Nodes' memory, and the counts of references that keep it.
#include "frontend/tensor/node.h"

#include <array>
#include <mutex>
#include <new>

#include "frontend/trace/inline_graph.h"
#include "runtime/per_thread.h"

namespace lathe::detail {

namespace {

// Memory of nodes: free blocks, linked through themselves. Every thread keeps some and exchanges batches of them with a
// depot, so that neither making nor destroying a node takes a lock, and destroying one cannot fail.
struct FreeNode {
    FreeNode* next = nullptr;
    FreeNode* next_batch = nullptr;  // of the first of a batch in the depot
};
constexpr std::size_t batch_size = 256;
constexpr std::size_t node_bytes = (sizeof(Node) + 63) / 64 * 64;

struct NodeDepot {
    std::mutex mutex;  // protects batches
    FreeNode* batches = nullptr;
};
NodeDepot& depot() {
    static auto* d = new NodeDepot;  // outlives every thread
    return *d;
}

void put_in_depot(FreeNode* batch) noexcept {
    NodeDepot& d = depot();
    const std::lock_guard lock(d.mutex);
    batch->next_batch = d.batches;
    d.batches = batch;
}

// Up to two batches: `filling` has `count` blocks, `full` none or a whole batch.
struct Magazine {
    FreeNode* filling = nullptr;
    FreeNode* full = nullptr;
    std::size_t count = 0;
};

// References that a thread took in advance of a node that it reads again and again, all in one step. Operands of
// recorded calls come from here and go back here, so that threads that read the same tensors do not fight over their
// counts.
//
// A node that nobody else refers to any more is destroyed as soon as a thread sees that its stock holds all references.
// Where several threads have stocks of it, it lives until all but one gave theirs back: that is why only small nodes
// are stocked.
struct Stock {
    Node* node = nullptr;     // without references: an address that was seen, never followed
    std::uint32_t count = 0;  // references
};
constexpr std::size_t stock_count = 64, stocked_bytes = 64 << 10;
constexpr std::uint32_t stock_size = 64;

// What a thread keeps. Nodes that come and go after its end use the depot, and no stocks.
struct Kept {
    Magazine magazine;
    std::array<Stock, stock_count> stocks{};

    Kept() = default;
    ~Kept();
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;

    Stock& stock_of(const Node* node) {
        return stocks[reinterpret_cast<std::uintptr_t>(node) / node_bytes % stock_count];
    }
};
using Mine = runtime::PerThread<Kept>;

bool may_be_stocked(const Node& node) {
    return node.is_ready() && node.operand_count == 0 && !node.variable && !node.symbolic &&
           (node.kind == NodeKind::number || (node.data.pooled() && node.data.capacity() <= stocked_bytes));
}

void destroy(Node* node) noexcept;

void give_back(Stock& stock) noexcept {
    const Stock old = std::exchange(stock, {});
    if (old.count > 0 && old.node->references.fetch_sub(old.count, std::memory_order_acq_rel) == old.count)
        destroy(old.node);
}

Kept::~Kept() {
    for (Stock& stock : stocks) give_back(stock);
    if (magazine.filling != nullptr) put_in_depot(magazine.filling);
    if (magazine.full != nullptr) put_in_depot(magazine.full);
}

FreeNode* take_batch() {
    {
        NodeDepot& d = depot();
        const std::lock_guard lock(d.mutex);
        if (FreeNode* batch = d.batches) {
            d.batches = batch->next_batch;
            return batch;
        }
    }
    auto* const slab = static_cast<std::byte*>(::operator new(node_bytes * batch_size, std::align_val_t{64}));
    FreeNode* batch = nullptr;
    for (std::size_t i = batch_size; i-- > 0;) batch = new (slab + i * node_bytes) FreeNode{batch, nullptr};
    return batch;
}

void* take_block() {
    Kept* const kept = Mine::mine();
    if (kept == nullptr) [[unlikely]] {
        FreeNode* const batch = take_batch();
        if (batch->next != nullptr) put_in_depot(batch->next);
        return batch;
    }
    Magazine& m = kept->magazine;
    if (m.filling == nullptr) {
        m.filling = m.full != nullptr ? m.full : take_batch();
        m.full = nullptr;
        m.count = batch_size;
    }
    FreeNode* const block = m.filling;
    m.filling = block->next;
    if (m.count > 0) --m.count;
    return block;
}

void give_block(void* memory) noexcept {
    auto* const block = new (memory) FreeNode;
    Kept* const kept = Mine::mine();
    if (kept == nullptr) [[unlikely]]
        return put_in_depot(block);
    Magazine& m = kept->magazine;
    if (m.count == batch_size) {
        if (m.full != nullptr) put_in_depot(m.full);
        m.full = m.filling;
        m.filling = nullptr;
        m.count = 0;
    }
    block->next = m.filling;
    m.filling = block;
    ++m.count;
}

}  // namespace

constinit thread_local std::uint32_t trace_serial = 0;

NodeRef make_node(NodeKind kind) {
    auto* node = new (take_block()) Node;
    node->kind = kind;
    node->made_in = trace_serial;
    return NodeRef::adopt(node);
}

void await(Node& node) {
    NodeState state = node.state.load(std::memory_order_acquire);
    while (state != pending && state != ready) {
        const NodeState marked = state | awaited;
        if (state != marked && !node.state.compare_exchange_weak(state, marked, std::memory_order_acquire)) continue;
        node.state.wait(marked, std::memory_order_acquire);
        state = node.state.load(std::memory_order_acquire);
    }
}

namespace {

// Drops a reference; whether it was the last one. The sole owner need not synchronise with anybody to know that it is.
bool drop(Node* node) noexcept {
    if (node->references.load(std::memory_order_acquire) == 1) return true;
    const std::uint32_t rest = node->references.fetch_sub(1, std::memory_order_acq_rel) - 1;
    if (rest == 0) return true;
    Kept* const kept = Mine::existing();
    if (kept == nullptr) return false;
    Stock& stock = kept->stock_of(node);
    if (stock.node != node || stock.count != rest) return false;
    stock = {};
    return true;
}

// Destroying a node releases its operands: a list instead of recursion, linked through the states, which nobody else
// sees any more.
void destroy(Node* node) noexcept {
    const auto link = [](Node* n, Node* next) {
        n->state.store(reinterpret_cast<NodeState>(next), std::memory_order_relaxed);
    };
    link(node, nullptr);
    for (Node* doomed = node; doomed != nullptr;) {
        Node* next = reinterpret_cast<Node*>(doomed->state.load(std::memory_order_relaxed));
        const auto let_go = [&](Node* input) {
            if (!drop(input)) return;
            link(input, next);
            next = input;
        };
        for (Node* input : doomed->inputs()) let_go(input);
        if (doomed->call.use_count() == 1)
            for (NodeRef& input : doomed->call->inputs) let_go(input.detach());
        doomed->~Node();
        give_block(doomed);
        doomed = next;
    }
}

}  // namespace

void retain(Node* node) noexcept { node->references.fetch_add(1, std::memory_order_relaxed); }

void release(Node* node) noexcept {
    if (drop(node)) destroy(node);
}

NodeRef share_operand(Node* node) {
    Kept* const kept = Mine::mine();
    if (kept == nullptr) [[unlikely]]
        return NodeRef::share(node);
    Stock& stock = kept->stock_of(node);
    if (stock.node == node && stock.count > 0) {
        --stock.count;
        return NodeRef::adopt(node);
    }
    if (stock.node != node) {
        give_back(stock);
        stock.node = node;
    } else if (may_be_stocked(*node)) {
        node->references.fetch_add(stock_size, std::memory_order_relaxed);
        stock.count = stock_size - 1;
        return NodeRef::adopt(node);
    }
    return NodeRef::share(node);
}

void release_operand(Node* node) noexcept {
    Kept* const kept = Mine::existing();
    if (kept == nullptr) return release(node);
    Stock& stock = kept->stock_of(node);
    if (stock.node != node || stock.count == 0 || stock.count == 2 * stock_size) return release(node);
    if (++stock.count != node->references.load(std::memory_order_acquire)) return;
    stock = {};
    destroy(node);
}

NodeRef leaf(ir::Type type, runtime::Buffer data) {
    NodeRef node = make_node(NodeKind::leaf);
    node->type = type;
    node->data = std::move(data);
    node->state.store(ready, std::memory_order_relaxed);
    return node;
}

NodeRef number(ir::Dtype dtype, std::uint64_t bits) {
    NodeRef node = make_node(NodeKind::number);
    node->type.dtype = dtype;
    node->bits = bits;
    node->state.store(ready, std::memory_order_relaxed);
    return node;
}

}  // namespace lathe::detail
