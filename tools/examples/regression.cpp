// Linear and logistic regression, from the formulas alone: a struct of parameters, a loss, and its gradient.
//
//   regression [--quick]
//
// A line through noisy points, by gradient descent and by the normal equations; then whether a handwritten digit is
// odd, by L-BFGS. The data of the second are the 1,797 images of tools/data.
#include "lathe.h"
#include "tools/examples/arguments.h"

namespace {

using namespace lathe;

struct Affine {
    Tensor weights, offset;  // [inputs] and []

    template <class Visit>
    void visit_tensors(Visit&& visit) {
        visit(weights);
        visit(offset);
    }
    template <class Visit>
    void visit_tensors(Visit&& visit) const {
        visit(weights);
        visit(offset);
    }
    Tensor operator()(const Tensor& x) const { return matmul(x, weights) + offset; }
};

// The greatest difference between what descent finds for y = x w + b and what the normal equations give.
double fit_a_line(const examples::Arguments& arguments) {
    const std::int64_t points = arguments.quick ? 500 : 5000;
    const Tensor keys = split_key(7, 3);
    const Tensor x = random_normal(keys[{0}], {points, 8});
    const Affine truth{random_normal(keys[{1}], {8}), Tensor::scalar(0.5F)};
    const Tensor y = truth(x) + 0.1 * random_normal(keys[{2}], {points});

    const auto loss = [](const Affine& model, const Tensor& x, const Tensor& y) {
        return mean_squared_error(model(x), y);
    };
    const auto descend = jit([&](const Affine& model, const Tensor& x, const Tensor& y, const Tensor& rate) {
        const Affine slope = grad(loss)(model, x, y);
        return Affine{model.weights - rate * slope.weights, model.offset - rate * slope.offset};
    });
    Affine model{zeros({8}), Tensor::scalar(0.0F)};
    const double before = loss(model, x, y).item<float>();
    for (int i = 0; i < 200; ++i) model = descend(model, x, y, Tensor::scalar(0.1F));
    fmt::print("line: squared error    {:.4f} before, {:.4f} after 200 steps; the noise has 0.01\n", before,
               loss(model, x, y).item<float>());

    // (X^T X) w = X^T y, where X has a column of ones for the offset.
    const Tensor columns = concat({x, ones({points, 1})}, 1);
    const Tensor exact = solve(matmul(columns.t(), columns), matmul(columns.t(), y));
    const Tensor found = concat({model.weights, unsqueeze(model.offset, 0)}, 0);
    return max(abs(found - exact)).item<float>();
}

// The share of held-out digits of which the model knows whether they are odd.
double tell_odd_from_even(const examples::Arguments& arguments) {
    const Tensor table = Tensor::from(read_csv(LATHE_SOURCE_DIR "/tools/data/digits.csv.gz"));
    const Tensor rows = random_shuffle(1, table).eval();
    const Tensor x = rows[{ellipsis, Range{0, 64}}] / 16.0, y = rows[{ellipsis, 64}] % 2;
    const Tensor train_x = x[{Range{0, 1400}}].eval(), train_y = y[{Range{0, 1400}}].eval();

    const Affine model{variable(zeros({64})), variable(Tensor::scalar(0.0F))};
    const auto loss = jit([&](const Tensor& x, const Tensor& y) {
        return binary_cross_entropy_with_logits(model(x), y) + 1e-4 * sum(model.weights * model.weights);
    });
    optim::Lbfgs optimizer(tensors_of(model), {.line_search = optim::LineSearch::strong_wolfe});
    for (int i = 0; i < (arguments.quick ? 2 : 10); ++i) {
        const Tensor before = optimizer.step([&] { return loss(train_x, train_y); });
        fmt::print("odd or even: step {:2}   loss {:.5f}\n", i + 1, before.item<float>());
    }
    const Tensor is_odd = model(x[{Range{1400}}]) > 0.0, was_odd = y[{Range{1400}}] == 1.0;
    return mean(is_odd == was_odd).item<double>();
}

int fit(const examples::Arguments& arguments) {
    const double difference = fit_a_line(arguments);
    fmt::print("line: from the exact   {:.1e}\n", difference);
    const double accuracy = tell_odd_from_even(arguments);
    fmt::print("odd or even            {:.1f} % of 397 digits that it has not seen\n", 100 * accuracy);
    return difference < 1e-5 && accuracy > 0.85 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) { return lathe::examples::run("regression", count, words, fit); }
