/* Runs a command in a process that may not have executable memory, nor may those that it starts. 77: this system cannot
 * forbid it. */
#include <sys/prctl.h>
#include <unistd.h>

enum { set_memory_deny_write_execute = 65, refuse_exec_gain = 1, cannot_forbid = 77 };

int main(int count, char** arguments) {
    if (count < 2 || prctl(set_memory_deny_write_execute, refuse_exec_gain, 0, 0, 0) != 0) return cannot_forbid;
    execvp(arguments[1], arguments + 1);
    return 127;
}
