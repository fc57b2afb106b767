// Small helpers for file descriptors.
#pragma once

namespace hawser::net {

// Makes `fd` non-blocking and closes it on exec. Returns 0 or an errno.
int make_nonblocking(int fd);

// Closes `*fd` unless it is negative, sets it to -1 and keeps errno.
void close_descriptor(int* fd);

// Whether `fd` can be read now, or has an error to tell. Does not wait.
bool is_readable(int fd);

}  // namespace hawser::net
