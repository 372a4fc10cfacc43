#include "ir/functions/einsum.h"

#include <limits>
#include <map>
#include <stdexcept>

namespace lathe::ir::functions {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

[[noreturn]] void refuse(const std::string& why) { throw std::invalid_argument(why); }

// Of one term: letters, with the ellipsis as so many axes.
EinsumLabels labels_of(std::string_view term, std::size_t ellipsis) {
    EinsumLabels labels;
    bool seen = false;
    for (std::size_t i = 0; i < term.size(); ++i) {
        if (is_letter(term[i])) {
            labels.push_back({term[i], 0});
        } else if (term.substr(i, 3) == "...") {
            if (seen) refuse("more than one ellipsis in '" + std::string(term) + "'");
            seen = true;
            for (std::size_t e = ellipsis; e-- > 0;) labels.push_back({0, e});
            i += 2;
        } else {
            refuse("'" + std::string(1, term[i]) + "' is neither a letter nor part of an ellipsis");
        }
    }
    return labels;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == ',')
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

using Extents = std::map<EinsumLabel, double>;

Extents extents_of(const std::vector<EinsumOperand>& operands) {
    Extents extents;
    for (const EinsumOperand& operand : operands)
        for (std::size_t i = 0; i < operand.labels.size(); ++i) {
            const Dim d = operand.extents[i];
            extents[operand.labels[i]] = d.is_constant() ? static_cast<double>(d.constant()) : typical_extent;
        }
    return extents;
}

void add_labels(EinsumLabels& to, const EinsumLabels& more) {
    for (const EinsumLabel label : more)
        if (std::ranges::find(to, label) == to.end()) to.push_back(label);
}
double points_of(const EinsumLabels& labels, const Extents& extents) {
    double points = 1;
    for (const EinsumLabel label : labels) points *= extents.at(label);
    return points;
}

constexpr std::size_t most_for_all_orders = 8;

// The cheapest ways to the product of each subset of the operands.
class AllOrders {
public:
    AllOrders(const std::vector<EinsumOperand>& operands, const EinsumLabels& result, const Extents& extents)
        : count_(operands.size()), best_(std::size_t{1} << count_) {
        const std::size_t all = best_.size() - 1;
        for (std::size_t set = 1; set <= all; ++set) {
            EinsumLabels inside, wanted = result;
            for (std::size_t i = 0; i < count_; ++i)
                add_labels((set >> i & 1U) != 0 ? inside : wanted, operands[i].labels);
            Best& best = best_[set];
            for (const EinsumLabel label : inside)
                if (std::ranges::find(wanted, label) != wanted.end()) best.labels.push_back(label);
            if ((set & (set - 1)) == 0) {
                best.labels = inside;  // what only it has is summed in its first product
                best.cost = 0;
                continue;
            }
            for (std::size_t part = (set - 1) & set; part > 0; part = (part - 1) & set) {
                const std::size_t rest = set ^ part;
                if (part > rest) continue;
                EinsumLabels labels = best_[part].labels;
                add_labels(labels, best_[rest].labels);
                const double cost = best_[part].cost + best_[rest].cost + points_of(labels, extents);
                if (cost < best.cost) {
                    best.cost = cost;
                    best.part = part;
                }
            }
        }
    }

    // As places in the list of those that are left.
    std::vector<std::pair<std::size_t, std::size_t>> steps() const {
        std::vector<std::size_t> left;
        for (std::size_t i = 0; i < count_; ++i) left.push_back(std::size_t{1} << i);
        std::vector<std::pair<std::size_t, std::size_t>> out;
        add(best_.size() - 1, left, out);
        return out;
    }

private:
    struct Best {
        EinsumLabels labels;
        double cost = std::numeric_limits<double>::infinity();
        std::size_t part = 0;
    };
    // Eight levels at most.
    void add(std::size_t set, std::vector<std::size_t>& left,
             std::vector<std::pair<std::size_t, std::size_t>>& out) const {
        if ((set & (set - 1)) == 0) return;
        const std::size_t part = best_[set].part, rest = set ^ part;
        add(part, left, out);
        add(rest, left, out);
        auto i = std::ranges::find(left, part) - left.begin(), k = std::ranges::find(left, rest) - left.begin();
        if (i > k) std::swap(i, k);
        out.emplace_back(i, k);
        left.erase(left.begin() + k);
        left.erase(left.begin() + i);
        left.push_back(set);
    }

    std::size_t count_;
    std::vector<Best> best_;  // by set of operands
};

std::vector<std::pair<std::size_t, std::size_t>> cheapest_pairs(std::vector<EinsumOperand> operands,
                                                                const EinsumLabels& result, const Extents& extents) {
    std::vector<std::pair<std::size_t, std::size_t>> steps;
    while (operands.size() > 1) {
        std::pair<std::size_t, std::size_t> best;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < operands.size(); ++i)
            for (std::size_t k = i + 1; k < operands.size(); ++k) {
                EinsumLabels labels = operands[i].labels;
                add_labels(labels, operands[k].labels);
                if (const double cost = points_of(labels, extents); cost < least) {
                    least = cost;
                    best = {i, k};
                }
            }
        EinsumLabels joined = operands[best.first].labels, wanted = result;
        add_labels(joined, operands[best.second].labels);
        operands.erase(operands.begin() + static_cast<std::ptrdiff_t>(best.second));
        operands.erase(operands.begin() + static_cast<std::ptrdiff_t>(best.first));
        for (const EinsumOperand& operand : operands) add_labels(wanted, operand.labels);
        std::erase_if(joined, [&](EinsumLabel label) { return std::ranges::find(wanted, label) == wanted.end(); });
        operands.push_back({joined, {}});
        steps.push_back(best);
    }
    return steps;
}

}  // namespace

EinsumFormula::EinsumFormula(std::string_view text, const std::vector<std::size_t>& ranks) {
    std::string plain;
    for (const char c : text)
        if (c != ' ') plain += c;
    const std::size_t arrow = plain.find("->");
    const std::vector<std::string> terms = split(std::string_view(plain).substr(0, arrow));
    if (terms.size() != ranks.size())
        refuse("the formula has " + std::to_string(terms.size()) + " terms for " + std::to_string(ranks.size()) +
               " operands");
    std::size_t longest = 0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        const std::size_t letters = labels_of(terms[i], 0).size();
        const bool has_ellipsis = terms[i].find('.') != std::string::npos;
        if (has_ellipsis ? ranks[i] < letters : ranks[i] != letters)
            refuse("'" + terms[i] + "' names " + std::to_string(letters) + " axes of an operand with " +
                   std::to_string(ranks[i]));
        operands.push_back(labels_of(terms[i], ranks[i] - letters));
        if (has_ellipsis) longest = std::max(longest, ranks[i] - letters);
    }
    if (arrow != std::string::npos) {
        const std::string wanted = plain.substr(arrow + 2);
        result = labels_of(wanted, longest);
        for (std::size_t i = 0; i < result.size(); ++i) {
            if (std::find(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(i), result[i]) !=
                result.begin() + static_cast<std::ptrdiff_t>(i))
                refuse("'" + std::string(1, result[i].letter) + "' occurs twice in the result");
            const bool known = std::ranges::any_of(operands, [&](const EinsumLabels& labels) {
                return std::ranges::find(labels, result[i]) != labels.end();
            });
            if (!known) refuse("'" + std::string(1, result[i].letter) + "' of the result is in no operand");
        }
        return;
    }
    for (std::size_t e = longest; e-- > 0;) result.push_back({0, e});
    std::map<EinsumLabel, int> times;
    for (const EinsumLabels& labels : operands)
        for (const EinsumLabel label : labels) ++times[label];
    for (const auto& [label, count] : times)
        if (label.letter != 0 && count == 1) result.push_back(label);
}

std::vector<std::pair<std::size_t, std::size_t>> contraction_order(std::vector<EinsumOperand> operands,
                                                                   const EinsumLabels& result) {
    const Extents extents = extents_of(operands);
    if (operands.size() <= most_for_all_orders) return AllOrders(operands, result, extents).steps();
    return cheapest_pairs(std::move(operands), result, extents);
}

}  // namespace lathe::ir::functions
