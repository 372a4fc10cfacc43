// A host's own header of a name that Lathe has, too.
#pragma once

struct HostType {
    int value = 5;
};
