// A counted reference to a lazy node; what that is, node.h alone knows.
#pragma once

#include <utility>

namespace lathe::detail {

struct Node;

void retain(Node* node) noexcept;
void release(Node* node) noexcept;  // drops a reference; destroys iteratively

class NodeRef {
public:
    NodeRef() = default;
    NodeRef(const NodeRef& other) noexcept : node_(other.node_) {
        if (node_ != nullptr) retain(node_);
    }
    NodeRef(NodeRef&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    NodeRef& operator=(NodeRef other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~NodeRef() {
        if (node_ != nullptr) release(node_);
    }
    static NodeRef adopt(Node* node) {
        NodeRef r;
        r.node_ = node;
        return r;
    }
    static NodeRef share(Node* node);  // inline in node.h

    Node* get() const { return node_; }
    Node* operator->() const { return node_; }
    Node& operator*() const { return *node_; }
    Node* detach() { return std::exchange(node_, nullptr); }
    explicit operator bool() const { return node_ != nullptr; }
    friend bool operator==(const NodeRef&, const NodeRef&) = default;

private:
    Node* node_ = nullptr;
};

// What a variable stands for now; other nodes stand for themselves.
NodeRef resolve(const NodeRef& node);

}  // namespace lathe::detail
