#error "the header of the host was taken for one of Lathe"
