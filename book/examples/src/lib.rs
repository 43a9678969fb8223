//! The small programs that the book's pages show and run: one file each in `src/bin/`.
