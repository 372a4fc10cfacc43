// Fourier transforms back to reals, whose inputs the records have as real numbers, and windows.
#include "tests/oracle/call.h"

namespace lathe::oracle {
namespace {

using Tensors = std::vector<Tensor>;

FourierNorm norm_of(const Call& c) {
    const std::string norm = c.text(3, "norm", "backward");
    return norm == "ortho" ? FourierNorm::ortho : norm == "forward" ? FourierNorm::forward : FourierNorm::backward;
}

template <Tensor (*transform)(const Tensor&, FourierOptions, Where)>
Tensors along_one(const Call& c) {
    FourierOptions options{.axis = c.integer(2, "dim", -1), .norm = norm_of(c)};
    if (!c.argument(1, "n").is_null()) options.n = Dim(c.integer(1, "n"));
    return {transform(make_complex(c.tensor(0)), options, Where::current())};
}

FourierAxesOptions axes_options(const Call& c, bool is_2d) {
    FourierAxesOptions options{.axes = Axes(c.integers(2, "dim")), .norm = norm_of(c)};
    options.s = Shape(c.integers(1, "s"));
    if (is_2d && options.axes.values().empty()) options.axes = {-2, -1};
    return options;
}

template <Tensor (*transform)(const Tensor&, const FourierAxesOptions&, Where)>
Tensors along_several(const Call& c) {
    return {transform(make_complex(c.tensor(0)), axes_options(c, c.op().back() == '2'), Where::current())};
}

// Forward along all axes but the last, then hfft along that.
Tensors hermitian(const Call& c) {
    const Tensor x = c.tensor(0);
    FourierAxesOptions options = axes_options(c, c.op().back() == '2');
    std::vector<std::int64_t> axes = options.axes.values();
    const auto rank = static_cast<std::int64_t>(x.rank());
    const auto given = static_cast<std::int64_t>(options.s.rank());
    if (axes.empty())
        for (std::int64_t i = given > 0 ? rank - given : 0; i < rank; ++i) axes.push_back(i);
    FourierOptions last{.axis = axes.back(), .norm = options.norm};
    if (given > 0) last.n = options.s[options.s.rank() - 1];
    axes.pop_back();
    Tensor z = make_complex(x);
    if (!axes.empty()) {
        options.axes = Axes(axes);
        options.s = Shape(options.s.dims().first(given > 0 ? axes.size() : 0));
        z = fftn(z, options);
    }
    return {hfft(z, last)};
}

template <Tensor (*shift)(const Tensor&, const Axes&, Numbers, Where)>
Tensors shifted(const Call& c) {
    return {shift(c.tensor(0), Axes(c.integers(1, "dim")), Numbers::real, Where::current())};
}

WindowOptions window_options(const Call& c) {
    const std::string dtype = c.argument(99, "dtype")["dtype"];
    if (dtype != "torch.float32" && dtype != "torch.float64") throw NotOurs("a dtype");
    return {.periodic = !c.flag(99, "sym", true), .dtype = dtype == "torch.float64" ? Dtype::f64 : Dtype::f32};
}
template <Tensor (*window)(Dim, WindowOptions, Where)>
Tensors plain_window(const Call& c) {
    return {window(c.integer(0, "M"), window_options(c), Where::current())};
}

}  // namespace

Translations fourier() {
    return {
        {"fft.irfft", along_one<irfft>},
        {"fft.hfft", along_one<hfft>},
        {"fft.irfft2", along_several<irfft2>},
        {"fft.irfftn", along_several<irfftn>},
        {"fft.hfft2", hermitian},
        {"fft.hfftn", hermitian},
        {"fft.fftshift", shifted<fftshift>},
        {"fft.ifftshift", shifted<ifftshift>},
        {"signal.windows.hann", plain_window<hann_window>},
        {"signal.windows.blackman", plain_window<blackman_window>},
        {"signal.windows.bartlett", plain_window<bartlett_window>},
        {"signal.windows.cosine", plain_window<cosine_window>},
        {"signal.windows.nuttall", plain_window<nuttall_window>},
        {"signal.windows.hamming",
         [](const Call& c) -> Tensors { return {hamming_window(c.integer(0, "M"), window_options(c))}; }},
        {"signal.windows.general_hamming",
         [](const Call& c) -> Tensors {
             return {hamming_window(c.integer(0, "M"), window_options(c), c.number(99, "alpha", 0.54))};
         }},
        {"signal.windows.general_cosine",
         [](const Call& c) -> Tensors {
             return {general_cosine_window(c.integer(0, "M"), c.argument(99, "a").get<std::vector<double>>(),
                                           window_options(c))};
         }},
        {"signal.windows.gaussian",
         [](const Call& c) -> Tensors {
             return {gaussian_window(c.integer(0, "M"), c.number(99, "std", 1), window_options(c))};
         }},
        {"signal.windows.exponential",
         [](const Call& c) -> Tensors {
             return {exponential_window(c.integer(0, "M"), c.number(99, "tau", 1), window_options(c))};
         }},
        {"signal.windows.kaiser",
         [](const Call& c) -> Tensors {
             return {kaiser_window(c.integer(0, "M"), c.number(99, "beta", 12), window_options(c))};
         }},
    };
}

}  // namespace lathe::oracle
