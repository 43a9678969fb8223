//! The figure of accepted bytes in chapter 7 is what its generator makes of the run in `data/`, and
//! that run has the shape that the page describes.
//!
//! To make the figure anew, from a new run:
//!
//! ```text
//! cargo run -q -p buffers-solution -- trace > book/examples/data/07-accepted.csv
//! WIRELAB_BLESS=1 cargo test -p examples --test figure_07
//! ```
use std::path::Path;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn plot(how: &str) -> String {
    let run = Path::new(ROOT).join("book/examples/data/07-accepted.csv");
    let output = Command::new(env!("CARGO_BIN_EXE_07_plot"))
        .arg(how)
        .arg(run)
        .output()
        .expect("the generator runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_figure_is_drawn_from_its_run() {
    let figure = Path::new(ROOT).join("book/src/figures/07-accepted.svg");
    let drawn = plot("svg");
    if std::env::var_os("WIRELAB_BLESS").is_some_and(|value| value != "0") {
        std::fs::write(&figure, &drawn).expect("the figure can be written");
    }
    let committed = std::fs::read_to_string(&figure).unwrap_or_default();
    assert!(
        committed.replace('\r', "") == drawn,
        "{} is not what 07_plot draws: WIRELAB_BLESS=1 cargo test -p examples --test figure_07",
        figure.display()
    );
}

#[test]
fn the_run_has_the_shape_that_the_page_describes() {
    let orders = plot("orders");
    assert!(!orders.contains(": no"), "{orders}");
    assert!(orders.contains(": yes"), "{orders}");
}

#[test]
fn a_plot_for_a_terminal_has_a_line_for_every_other_moment() {
    let text = plot("text");
    assert!(text.lines().count() > 20, "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}
