#include "tests/misuse/functions.h"

namespace lathe::misuse {

Table functions() {
    Table table;
    add_elementwise(table);
    add_reductions(table);
    add_shapes(table);
    add_positions(table);
    add_products(table);
    add_images(table);
    add_losses(table);
    add_signals(table);
    add_random(table);
    return table;
}

}  // namespace lathe::misuse
