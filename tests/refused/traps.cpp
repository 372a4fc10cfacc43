// What must not compile. Behind //! stands what the compiler says of the line; the others are right.
#include "frontend/functions/functions.h"

using namespace lathe;

void truth(const Tensor& a, const Tensor& b, const Tensor& mask) {
    if (a == b) return;                //! UseItemOrIsEmptyInstead
    while (a) return;                  //! UseItemOrIsEmptyInstead
    const bool equal(a == b);          //! UseItemOrIsEmptyInstead
    if (!mask) return;                 //! UseLogicalNotInstead
    const Tensor c = a * !mask;        //! UseLogicalNotInstead
    const Tensor d = a && b;           //! UseLogicalAndInstead
    const Tensor e = (a < b) || true;  //! UseLogicalOrInstead
    const auto f = true || a == b;     //! UseLogicalOrInstead
    if ((a == b).item<bool>() && !a.is_empty()) return;
}

void numbers(const Tensor& a) {
    const auto x = static_cast<double>(a);  //! UseItemOrIsEmptyInstead
    const double y = a;                     //! double
    const float z = a.item();               //! NameTheTypeOfTheElements
    const auto v = a.to_vector();           //! NameTheTypeOfTheElements
    const auto w = a.item<float>();
}

void memory(const Tensor& a) {
    const auto v = (a + a).data<float>();  //! deleted
    const auto w = a.data<float>();
}

void operands(const Tensor& a, const Tensor& b) {
    Operand o = a + b;                                               //! Operand
    auto* p = new detail::Operand(a + b);                            //! deleted
    const auto copy = [](const detail::Operand& x) { auto y = x; };  //! deleted
    const auto power = pow(2.0, a);
}

void parts(const Tensor& a, const Tensor& mask) {
    a[{0}] = a;                     //! PartsCannotBeAssignedUseAtInstead
    a[{0}] += 1.0;                  //! PartsCannotBeAssignedUseAtInstead
    a + a = a;                      //! PartsCannotBeAssignedUseAtInstead
    const Tensor b = a[0];          //! operator[]
    const Tensor c = a[{1.5}];      //! Index
    const Tensor d = a[{true}];     //! deleted
    const Tensor f = a[{{0, 2}}];   //! deleted
    const Tensor g = sum(a, true);  //! deleted
    const Tensor h = a[{Range{0, 2}, -1, ellipsis, new_axis, Range{.step = -1}}];
    const Tensor i = sum(a, -1) + sum(a, {0, 1}) + sum(a) + a[{mask}];
}
