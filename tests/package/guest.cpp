#include <lathe/lathe.h>

int main() { return lathe::ir::size_of(lathe::ir::Dtype::f32) == 4 ? 0 : 1; }
