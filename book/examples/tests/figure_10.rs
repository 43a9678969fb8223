//! The figure of rates in chapter 10 is what its generator makes of the run in `data/`, and that run has
//! the shape that the page describes.
//!
//! To make the figure anew, from a new run (Linux, with a TUN device):
//!
//! ```text
//! make bench BENCH='--path --csv book/examples/data/10-path.csv'
//! WIRELAB_BLESS=1 cargo test -p examples --test figure_10
//! ```
use std::path::Path;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn plot(how: &str) -> String {
    let run = Path::new(ROOT).join("book/examples/data/10-path.csv");
    let output = Command::new(env!("CARGO_BIN_EXE_10_plot"))
        .arg(how)
        .arg(run)
        .output()
        .expect("the generator runs");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_figure_is_drawn_from_its_run() {
    let figure = Path::new(ROOT).join("book/src/figures/10-path.svg");
    let drawn = plot("svg");
    if std::env::var_os("WIRELAB_BLESS").is_some_and(|value| value != "0") {
        std::fs::write(&figure, &drawn).expect("the figure can be written");
    }
    let committed = std::fs::read_to_string(&figure).unwrap_or_default();
    assert!(
        committed.replace('\r', "") == drawn,
        "{} is not what 10_plot draws: WIRELAB_BLESS=1 cargo test -p examples --test figure_10",
        figure.display()
    );
}

#[test]
fn the_run_has_the_shape_that_the_page_describes() {
    let orders = plot("orders");
    assert!(!orders.contains(": no"), "{orders}");
    assert!(orders.contains(": yes"), "{orders}");
}
