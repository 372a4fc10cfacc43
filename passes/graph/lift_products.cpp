#include "passes/graph/lift_products.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "ir/loops/order.h"
#include "ir/ops/control.h"
#include "passes/graph/rebuild.h"
#include "passes/graph/vmap.h"

namespace lathe::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Value;

// What a value of the body depends on; each includes those before.
enum class Needs : std::uint8_t { what_stays, slices, iterations_before };

class Lift {
public:
    explicit Lift(const Node& scan)
        : scan_(scan), parts_(ir::parts_of_scan(scan)), body_(*ir::regions_of(scan)[0]), count_(body_.nodes().size()) {
        find_needs();
        find_products();
    }
    bool is_empty() const { return products_.empty(); }

    // What stands for the scan's results.
    std::vector<Value> apply(Graph& into, const ValueMap& values) const {
        const std::vector<Value> operands = mapped(values, scan_.operands);
        std::vector<Value> lifted = add_front(into, operands);
        std::vector<Value> carried, sequences, others;
        for (std::size_t i = 0; i < operands.size(); ++i)
            if (i < parts_.carried)
                carried.push_back(operands[i]);
            else if (stays_[body_.parameters()[i].node->id])
                (is_sequence(i) ? sequences : others).push_back(operands[i]);
        std::vector<Value> all = std::move(carried);
        for (const std::vector<Value>& more : {sequences, lifted, others})
            all.insert(all.end(), more.begin(), more.end());
        ir::Attributes attributes = scan_.attributes;
        attributes[ir::ops::scan_body.slot] = ir::Region{add_body(into)};
        attributes[ir::ops::scan_sequences.slot] = static_cast<std::int64_t>(sequences.size() + lifted.size());
        return results_of(into.add(*scan_.op, all, std::move(attributes), scan_.loc));
    }

private:
    bool is_sequence(std::size_t parameter) const {
        return parameter >= parts_.carried && parameter < parts_.carried + parts_.sequences;
    }

    void find_needs() {
        needs_.assign(count_, Needs::what_stays);
        for (std::size_t i = 0; i < parts_.carried + parts_.sequences; ++i)
            needs_[body_.parameters()[i].node->id] = is_sequence(i) ? Needs::slices : Needs::iterations_before;
        for (const Node& node : body_.nodes())
            for (const Value& v : node.operands) needs_[node.id] = std::max(needs_[node.id], needs_[v.node->id]);
    }

    bool is_product_with_what_stays(const Node& node) const {
        return node.op->lowering == ir::Lowering::contraction &&
               std::ranges::count(node.operands, Needs::slices, [&](const Value& v) { return needs_[v.node->id]; }) ==
                   1 &&
               ir::fold_order(node).inner.lanes == 1;
    }

    void find_products() {
        // What may run for all iterations at once, and costs no more memory then than slices do.
        std::vector<bool> may(count_);
        for (const Node& node : body_.nodes())
            may[node.id] = needs_[node.id] != Needs::iterations_before && !ir::has_regions(node) &&
                           (needs_[node.id] == Needs::what_stays || node.op->lowering != ir::Lowering::contraction ||
                            is_product_with_what_stays(node)) &&
                           std::ranges::all_of(node.operands, [&](const Value& v) { return may[v.node->id]; });
        stays_.assign(count_, false);
        for (const Value& v : body_.outputs()) stays_[v.node->id] = true;
        for (auto node = body_.nodes().rbegin(); node != body_.nodes().rend(); ++node) {
            if (!stays_[node->id]) continue;
            if (may[node->id] && is_product_with_what_stays(*node)) {
                stays_[node->id] = false;
                products_.push_back(&*node);
                continue;
            }
            for (const Value& v : node->operands) stays_[v.node->id] = true;
        }
        std::ranges::reverse(products_);
    }

    std::vector<Value> add_front(Graph& into, const std::vector<Value>& operands) const {
        std::vector<bool> wanted(count_);
        for (const Node* product : products_) wanted[product->id] = true;
        for (auto node = body_.nodes().rbegin(); node != body_.nodes().rend(); ++node)
            if (wanted[node->id])
                for (const Value& v : node->operands) wanted[v.node->id] = true;
        const std::unique_ptr<Graph> one = like(into);
        ValueMap made(count_);
        std::vector<bool> batched;
        std::vector<Value> given;
        for (std::size_t i = 0; i < operands.size(); ++i) {
            const Value& p = body_.parameters()[i];
            if (!wanted[p.node->id]) continue;
            made[p.node->id] = {one->add_parameter(body_.parameter_name(i), p.type(), p.node->loc)};
            batched.push_back(is_sequence(i));
            given.push_back(operands[i]);
        }
        for (const Node& node : body_.nodes())
            if (wanted[node.id] && made[node.id].empty()) made[node.id] = add_copy(*one, node, made);
        for (const Node* product : products_) one->add_output("product", made[product->id][0]);
        return ir::inlined(into, *vmap(*one, batched, ir::ops::scan_length(scan_.attributes)[0]), given);
    }

    std::shared_ptr<const Graph> add_body(const Graph& around) const {
        std::unique_ptr<Graph> body = like(body_);
        body->symbols = around.symbols;
        body->is_region = true;
        ValueMap made(count_);
        const auto add_parameter = [&](std::size_t i) {
            const Value& p = body_.parameters()[i];
            made[p.node->id] = {body->add_parameter(body_.parameter_name(i), p.type(), p.node->loc)};
        };
        const std::size_t looped = parts_.carried + parts_.sequences;
        for (std::size_t i = 0; i < looped; ++i)
            if (!is_sequence(i) || stays_[body_.parameters()[i].node->id]) add_parameter(i);
        for (const Node* product : products_)
            made[product->id] = {body->add_parameter("product", product->results[0], product->loc)};
        for (std::size_t i = looped; i < body_.parameters().size(); ++i)
            if (stays_[body_.parameters()[i].node->id]) add_parameter(i);
        for (const Node& node : body_.nodes())
            if (stays_[node.id] && made[node.id].empty()) made[node.id] = add_copy(*body, node, made);
        for (std::size_t i = 0; i < body_.outputs().size(); ++i)
            body->add_output(body_.output_name(i), mapped(made, body_.outputs()[i]));
        body->symbols.clear();
        return body;
    }

    const Node& scan_;
    ir::ScanParts parts_;
    const Graph& body_;
    std::size_t count_;  // of the body's nodes, by whose ids these are:
    std::vector<Needs> needs_;
    std::vector<bool> stays_;  // in the body
    std::vector<const Node*> products_;
};

}  // namespace

std::unique_ptr<Graph> lift_products(const Graph& graph) {
    std::vector<std::optional<Lift>> lifts(graph.nodes().size());
    bool any = false;
    for (const Node& node : graph.nodes()) {
        if (node.op->control != ir::Control::scan) continue;
        if (Lift lift(node); !lift.is_empty()) {
            lifts[node.id].emplace(std::move(lift));
            any = true;
        }
    }
    if (!any) return nullptr;
    return rebuild(graph, [&](Graph& into, const Node& node, const ValueMap& values) {
        return lifts[node.id] ? lifts[node.id]->apply(into, values) : add_copy(into, node, values);
    });
}

}  // namespace lathe::passes
