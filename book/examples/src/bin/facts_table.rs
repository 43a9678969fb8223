//! The page of the facts: the table that `make facts` prints.

fn main() -> std::io::Result<()> {
    facts::print(&mut std::io::stdout().lock())
}
