// What the comparison asks of the peer: named workloads on given data. Implemented by compare_torch.cpp, so that no
// header of the peer meets one of ours.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace peer {

using Floats = std::vector<float>;

// A workload that is ready to run; `result` is that of the last run.
struct Work {
    std::function<void()> run;
    std::function<Floats()> result;
};

void set_threads(int threads);
std::string version();

enum class Output : std::uint8_t { allocated, reused };

// a + b; relu(a * b + c); gelu(a * b + c) * sigmoid(d)
Work elementwise(int operands, const std::vector<Floats>& data, Output output);
// Functions by their names there, into results that are reused. Those of two operands take one constant where they have
// three.
Work unary(const std::string& name, const Floats& x);
Work binary(const std::string& name, const Floats& x, const Floats& y);
// Of a matrix: along an axis, or, where that is -1, of all of it.
Work reduction(const std::string& name, const Floats& x, std::int64_t rows, std::int64_t columns, int axis);
Work sum(const Floats& data);
Work softmax(const Floats& data, std::int64_t rows, std::int64_t columns, Output output);
// Which operand is stored transposed.
enum class Form : std::uint8_t { plain, first_transposed, second_transposed };
Work matmul(const Floats& a, const Floats& b, std::int64_t m, std::int64_t k, std::int64_t n, Form form, Output output);

using Integers = std::vector<std::int64_t>;
Work sort(const Floats& data);
Work argsort(const Floats& data);
Work topk(const Floats& data, std::int64_t count);  // the values
Work unique(const Floats& data);                    // with the inverse and counts; the values
Work unique(const Integers& data);
Work bincount(const Integers& data);
Work searchsorted(const Floats& sorted, const Floats& values);
Work cumsum(const Floats& data, Output output);
// Rows of x, `columns` long, plus those of u where the indices say.
Work index_add(const Floats& x, const Integers& indices, const Floats& u, std::int64_t columns);

// What the name says of each of some square matrices: the factor, the solution of x y = x + 1, the inverse or the
// determinant; of others the triangle, or the values.
Work decomposition(const std::string& name, const Floats& data, std::int64_t count, std::int64_t n);
Work fft(const Floats& data, std::int64_t lines, std::int64_t length);  // of complex numbers
Work rfft(const Floats& data, std::int64_t lines, std::int64_t length);

// h = tanh(x w + h u) for each x of xs [steps, batch, hidden], from h0 [batch, hidden]; w, u [hidden, hidden].
struct Rnn {
    std::int64_t steps, batch, hidden;
    Floats h0, xs, w, u;
};
Work rnn_forward(const Rnn& rnn);   // the last h
Work rnn_backward(const Rnn& rnn);  // the derivatives of its sum by w and u, added

// x [batch, inputs] -> relu(x w1 + b1) w2 + b2; weights [inputs, outputs] row-major.
struct Mlp {
    std::int64_t batch, inputs, hidden, classes;
    Floats x, w1, b1, w2, b2;
    Integers labels;
};
Work mlp_forward(const Mlp& mlp);
Work mlp_train(const Mlp& mlp);  // a step with cross entropy and Adam; the result is the loss

}  // namespace peer
