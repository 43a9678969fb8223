//! The lint, on the book and on samples with one mistake each.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wirelab::book::{Finding, build, lint};

#[test]
fn the_book_has_no_mistakes() {
    let findings = lint(&book()).expect("the book can be read");
    let lines: Vec<_> = findings.iter().map(|f| format!("book/{f}")).collect();
    assert!(findings.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn the_sample_that_the_others_spoil_has_no_mistakes() {
    let findings = Sample::new().lint();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_book_is_built_as_a_whole_or_not_at_all() {
    let sample = Sample::new();
    let dest = sample.folder.path().join("out/pages");
    let report = build(&sample.book(), &dest).expect("the sample builds");
    assert_eq!(report.pages, 3);
    let front = fs::read_to_string(report.folder.join("index.html")).expect("a front page");
    assert!(front.contains("A sample"));

    sample.write("src/index.md", "# Changed\n\n{{#include missing.txt}}\n");
    let problem = build(&sample.book(), &dest).expect_err("an include is missing");
    assert!(problem.to_string().contains("missing.txt"), "{problem:#}");
    assert_eq!(
        fs::read_to_string(dest.join("index.html")).expect("the former book"),
        front
    );
    let left: Vec<_> = fs::read_dir(dest.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["pages"], "no scratch folder stays");
}

#[test]
fn a_folder_without_a_book_is_named() {
    let empty = TempDir::new().unwrap();
    let problem = lint(empty.path()).expect_err("there is no book");
    assert!(format!("{problem:#}").contains("book.toml"), "{problem:#}");
}

/// One mistake, made in a good book, and the finding it must lead to.
struct Case {
    mistake: &'static str,
    spoil: fn(&Sample),
    rule: &'static str,
    says: &'static str,
}

const CASES: &[Case] = &[
    Case {
        mistake: "an unclosed tag, which mdBook only warns of",
        spoil: |book| book.append("src/index.md", "\n<div>\n\nnever closed\n"),
        rule: "mdbook",
        says: "unclosed",
    },
    Case {
        mistake: "a missing include",
        spoil: |book| book.append("src/index.md", "\n{{#include nowhere.txt}}\n"),
        rule: "include",
        says: "nowhere.txt",
    },
    Case {
        mistake: "a missing anchor, of which mdBook says nothing",
        spoil: |book| book.replace("src/00-sample.md", "program.rs:main", "program.rs:mian"),
        rule: "include",
        says: "ANCHOR: mian",
    },
    Case {
        mistake: "an anchor that does not end",
        spoil: |book| book.replace("examples/src/bin/program.rs", "// ANCHOR_END: main\n", ""),
        rule: "include",
        says: "ANCHOR_END: main",
    },
    Case {
        mistake: "lines by number",
        spoil: |book| book.replace("src/00-sample.md", "program.rs:main", "program.rs:2:3"),
        rule: "include",
        says: "ANCHOR",
    },
    Case {
        mistake: "an include whose braces are not closed",
        spoil: |book| book.append("src/index.md", "\n{{#include ../book.toml\n"),
        rule: "include",
        says: "as it was written",
    },
    Case {
        mistake: "a broken link",
        spoil: |book| book.append("src/index.md", "\n[there](01-nothing.md)\n"),
        rule: "link",
        says: "01-nothing",
    },
    Case {
        mistake: "a link to a file that the book does not carry",
        spoil: |book| book.append("src/index.md", "\n[there](../book.toml)\n"),
        rule: "link",
        says: "out of the book",
    },
    Case {
        mistake: "a broken fragment on the page itself",
        spoil: |book| book.append("src/index.md", "\n[there](#nothing)\n"),
        rule: "link",
        says: "#nothing",
    },
    Case {
        mistake: "a broken fragment of another page",
        spoil: |book| book.append("src/index.md", "\n[there](00-sample.md#step-9)\n"),
        rule: "link",
        says: "step-9",
    },
    Case {
        mistake: "a link that works on a server only",
        spoil: |book| book.append("src/index.md", "\n<a href=\"/other.html\">there</a>\n"),
        rule: "link",
        says: "slash",
    },
    Case {
        mistake: "an image that is not there",
        spoil: |book| book.append("src/index.md", "\n![a picture](picture.png)\n"),
        rule: "link",
        says: "picture.png",
    },
    Case {
        mistake: "a link to a heading without an id of its own",
        spoil: |book| {
            book.append("src/other.md", "\n## Plain words\n");
            book.append("src/index.md", "\n[there](other.md#plain-words)\n");
        },
        rule: "link",
        says: "{#plain-words}",
    },
    Case {
        mistake: "an entry of SUMMARY.md without a page",
        spoil: |book| book.append("src/SUMMARY.md", "- [More](more.md)\n"),
        rule: "summary",
        says: "more.md",
    },
    Case {
        mistake: "a page that SUMMARY.md does not list",
        spoil: |book| book.write("src/lost.md", "# Lost\n"),
        rule: "unused",
        says: "SUMMARY.md",
    },
    Case {
        mistake: "a figure that no page includes",
        spoil: |book| book.write("src/figures/lost.svg", "<svg></svg>"),
        rule: "unused",
        says: "no page includes",
    },
    Case {
        mistake: "a transcript that no page includes",
        spoil: |book| book.write("transcripts/lost.txt", "$ a\n"),
        rule: "unused",
        says: "no page includes",
    },
    Case {
        mistake: "a quiz option without an explanation",
        spoil: |book| book.replace("src/00-sample.md", "  Because of this 1.\n", ""),
        rule: "quiz",
        says: "no explanation",
    },
    Case {
        mistake: "a quiz option without an explanation, with blank lines between",
        spoil: |book| {
            book.replace(
                "src/00-sample.md",
                " that goes on\n  over two lines.\n\n  It has its reasons.",
                ".",
            );
        },
        rule: "quiz",
        says: "no explanation",
    },
    Case {
        mistake: "a quiz without a right option",
        spoil: |book| book.replace("src/00-sample.md", "- [x] Yes 3.", "- [ ] Yes 3."),
        rule: "quiz",
        says: "no option is right",
    },
    Case {
        mistake: "a quiz option without a box",
        spoil: |book| book.replace("src/00-sample.md", "- [ ] No 2.", "- No 2."),
        rule: "quiz",
        says: "no box",
    },
    Case {
        mistake: "a quiz without a question",
        spoil: |book| book.replace("src/00-sample.md", "**Question 2?**\n", ""),
        rule: "quiz",
        says: "without a question",
    },
    Case {
        mistake: "a quiz whose options are no list",
        spoil: |book| {
            book.append(
                "src/index.md",
                "\n<lab-quiz>\n\n**What?**\n\nThis.\n\n</lab-quiz>\n",
            );
        },
        rule: "quiz",
        says: "task list",
    },
    Case {
        mistake: "four questions in a chapter",
        spoil: |book| book.replace("src/00-sample.md", &quiz(4), ""),
        rule: "quiz",
        says: "4 quiz questions",
    },
    Case {
        mistake: "a chapter without a section",
        spoil: |book| book.replace("src/00-sample.md", "{#mistakes}", ""),
        rule: "section",
        says: "{#mistakes}",
    },
    Case {
        mistake: "a chapter without its questions to recall",
        spoil: |book| {
            let chapter = book.read("src/00-sample.md").replace("{#recall}", "");
            book.write("src/01-next.md", &chapter);
            book.append("src/SUMMARY.md", "- [Next](01-next.md)\n");
        },
        rule: "section",
        says: "{#recall}",
    },
    Case {
        mistake: "sections in another order",
        spoil: |book| {
            book.replace("src/00-sample.md", "## Quiz {#quiz}", "## Quiz {#x}");
            book.replace(
                "src/00-sample.md",
                "## Mistakes {#mistakes}",
                "## Quiz {#quiz}",
            );
            book.replace("src/00-sample.md", "{#x}", "{#mistakes}");
        },
        rule: "section",
        says: "too early",
    },
    Case {
        mistake: "a chapter that does not say how long it takes",
        spoil: |book| book.replace("src/00-sample.md", "*5 minutes to read", "*Some time"),
        rule: "section",
        says: "minutes to read",
    },
    Case {
        mistake: "two titles",
        spoil: |book| book.append("src/index.md", "\n# Another\n"),
        rule: "title",
        says: "2 first-level",
    },
    Case {
        mistake: "an id twice",
        spoil: |book| book.append("src/index.md", "\n## A {#one}\n\n<p id=\"one\">x</p>\n"),
        rule: "id",
        says: "`one`",
    },
    Case {
        mistake: "two figures with one id",
        spoil: |book| book.append("src/00-sample.md", "\n{{#include figures/sample.svg}}\n"),
        rule: "id",
        says: "fig-00-sample",
    },
    Case {
        mistake: "a figure without a title",
        spoil: |book| {
            book.replace(
                FIGURE,
                "<title id=\"fig-00-sample-t\">A sample</title>\n",
                "",
            );
        },
        rule: "figure",
        says: "<title> is missing",
    },
    Case {
        mistake: "a figure with an empty description",
        spoil: |book| book.replace(FIGURE, "Two words.", ""),
        rule: "figure",
        says: "<desc> is empty",
    },
    Case {
        mistake: "a figure that does not name its description",
        spoil: |book| book.replace(FIGURE, " fig-00-sample-d\"", "\""),
        rule: "figure",
        says: "aria-labelledby",
    },
    Case {
        mistake: "a figure that is no image to a screen reader",
        spoil: |book| book.replace(FIGURE, " role=\"img\"", ""),
        rule: "figure",
        says: "role",
    },
    Case {
        mistake: "a figure with an id that another might have",
        spoil: |book| book.replace(FIGURE, "<rect", "<rect id=\"head\""),
        rule: "figure",
        says: "`head`",
    },
    Case {
        mistake: "a colour in an attribute",
        spoil: |book| book.replace(FIGURE, "<rect", "<rect fill=\"#fff\""),
        rule: "figure",
        says: "#fff",
    },
    Case {
        mistake: "a colour in a style",
        spoil: |book| book.replace(FIGURE, "<rect", "<rect style=\"stroke: red\""),
        rule: "figure",
        says: "stroke: red",
    },
    Case {
        mistake: "a figure with a style sheet",
        spoil: |book| book.replace(FIGURE, "<rect", "<style>rect { fill: red }</style><rect"),
        rule: "figure",
        says: "<style>",
    },
    Case {
        mistake: "a figure wider than a page",
        spoil: |book| book.replace(FIGURE, "0 0 460 100", "0 0 800 100"),
        rule: "figure",
        says: "800 wide",
    },
    Case {
        mistake: "a figure that cannot be read on a phone",
        spoil: |book| book.replace(FIGURE, "font-size=\"14\"", "font-size=\"10\""),
        rule: "figure",
        says: "on a phone",
    },
    Case {
        mistake: "a heavy page",
        spoil: |book| {
            // Words that do not compress.
            let mut state = 1_u64;
            let noise: String = (0..20_000)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    format!("{:x} ", state >> 24)
                })
                .collect();
            book.append("src/index.md", &noise);
        },
        rule: "weight",
        says: "the page itself",
    },
    Case {
        mistake: "a font in the style sheet, which weighs",
        spoil: |book| {
            let mut state = 1_u64;
            let noise: Vec<u8> = (0..100_000)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            fs::write(book.book().join("src/heavy.woff2"), noise).unwrap();
            book.append(
                "assets/wirelab.css",
                "@font-face { font-family: x; src: url('../heavy.woff2'); }\n",
            );
        },
        rule: "weight",
        says: "heavy.woff2",
    },
    Case {
        mistake: "an image from elsewhere",
        spoil: |book| book.append("src/index.md", "\n![x](https://example.com/x.png)\n"),
        rule: "outside",
        says: "example.com",
    },
    Case {
        mistake: "a script from elsewhere",
        spoil: |book| {
            book.append(
                "src/index.md",
                "\n<script src=\"//example.com/x.js\"></script>\n",
            );
        },
        rule: "outside",
        says: "example.com",
    },
    Case {
        mistake: "a style sheet that imports from elsewhere",
        spoil: |book| {
            book.append(
                "assets/wirelab.css",
                "@import url(https://example.com/x.css);\n",
            )
        },
        rule: "outside",
        says: "example.com",
    },
    Case {
        mistake: "listings that would run on a public server",
        spoil: |book| book.replace("book.toml", "runnable = false", "runnable = true"),
        rule: "outside",
        says: "playground",
    },
    Case {
        mistake: "Rust that is typed",
        spoil: |book| book.append("src/index.md", "\n```rust\nlet x = 1;\n```\n"),
        rule: "rust",
        says: "let x = 1;",
    },
    Case {
        mistake: "Rust from where nothing compiles it",
        spoil: |book| {
            book.write("src/loose.rs", "fn main() {}\n");
            book.append("src/index.md", "\n```rust\n{{#include loose.rs}}\n```\n");
        },
        rule: "rust",
        says: "loose.rs",
    },
    Case {
        mistake: "a page that shows a reference",
        spoil: |book| {
            book.write("../solutions/00-sample/src/main.rs", "fn main() {}\n");
            book.append(
                "src/index.md",
                "\n```rust\n{{#include ../../solutions/00-sample/src/main.rs}}\n```\n",
            );
        },
        rule: "solution",
        says: "never show",
    },
    Case {
        mistake: "a page that shows a file the learner edits",
        spoil: |book| {
            book.write("../labs/00-sample/lab.toml", "edit = [\"src/serve.rs\"]\n");
            book.write("../labs/00-sample/src/serve.rs", "fn main() {}\n");
            book.append(
                "src/index.md",
                "\n```rust\n{{#include ../../labs/00-sample/src/serve.rs}}\n```\n",
            );
        },
        rule: "solution",
        says: "learner's to edit",
    },
    Case {
        mistake: "output that is typed",
        spoil: |book| book.append("src/index.md", "\n```text\n$ tcp-echo\nhello\n```\n"),
        rule: "transcript",
        says: "`hello`",
    },
];

#[test]
fn every_mistake_is_found() {
    let mut missed = Vec::new();
    for case in CASES {
        let sample = Sample::new();
        (case.spoil)(&sample);
        let findings = sample.lint();
        let found = findings
            .iter()
            .any(|f| f.rule == case.rule && f.message.contains(case.says));
        if !found {
            missed.push(format!("{}: {findings:#?}", case.mistake));
        }
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
}

const FIGURE: &str = "src/figures/sample.svg";

/// A small book with the real one's looks.
struct Sample {
    folder: TempDir,
}

impl Sample {
    fn new() -> Sample {
        let sample = Sample {
            folder: TempDir::new().unwrap(),
        };
        for folder in ["theme", "assets"] {
            copy(&book().join(folder), &sample.book().join(folder));
        }
        let settings = fs::read_to_string(book().join("book.toml")).unwrap();
        sample.write("book.toml", &settings);
        sample.write(
            "src/SUMMARY.md",
            "# Summary\n\n[Front](index.md)\n\n- [0. Sample](00-sample.md)\n- [Other](other.md)\n",
        );
        sample.write(
            "src/index.md",
            "# A sample\n\nSee [the step](00-sample.md#step-1), [here](#more) or [the web](https://example.com).\n\n## More {#more}\n\n```console\n$ cargo lab\n```\n",
        );
        sample.write("src/other.md", "# Other\n\nText.\n");
        sample.write(
            FIGURE,
            "<svg class=\"figure\" role=\"img\" aria-labelledby=\"fig-00-sample-t fig-00-sample-d\" viewBox=\"0 0 460 100\" font-size=\"14\">\n\
             <title id=\"fig-00-sample-t\">A sample</title>\n\
             <desc id=\"fig-00-sample-d\">Two words.</desc>\n\
             <rect class=\"client\" x=\"0\" y=\"0\" width=\"9\" height=\"9\" fill=\"none\"/>\n\
             <text class=\"note\" x=\"9\" y=\"9\">two words</text>\n\
             </svg>\n",
        );
        sample.write(
            "examples/src/bin/program.rs",
            "// ANCHOR: main\nfn main() {}\n// ANCHOR_END: main\n",
        );
        sample.write("transcripts/00-run.txt", "$ program\nhello\n");
        sample.write("src/00-sample.md", &chapter());
        sample
    }

    fn book(&self) -> PathBuf {
        self.folder.path().join("book")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.book().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.book().join(path)).unwrap()
    }

    fn append(&self, path: &str, text: &str) {
        self.write(path, &(self.read(path) + text));
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from:?} to spoil");
        self.write(path, &text.replace(from, to));
    }

    fn lint(&self) -> Vec<Finding> {
        lint(&self.book()).expect("the sample can be read")
    }
}

fn chapter() -> String {
    let mut page = String::from(
        "# 0. Sample\n\n*5 minutes to read · 10 minutes for the lab*\n\n{{#include figures/sample.svg}}\n",
    );
    for (title, id) in [
        ("Goals", "goals"),
        ("Predict", "predict"),
        ("Calls", "calls"),
        ("Run", "transcript"),
        ("Lab", "lab"),
        ("Program", "program"),
        ("Step", "step-1"),
        ("Bug", "find-the-bug"),
        ("Mistakes", "mistakes"),
        ("Quiz", "quiz"),
    ] {
        page += &format!("\n## {title} {{#{id}}}\n\nWords.\n");
    }
    page += "\n```rust\n{{#include ../examples/src/bin/program.rs:main}}\n```\n\n";
    page += "```text\n{{#include ../transcripts/00-run.txt}}\n```\n\n";
    for number in 1..=4 {
        page += &quiz(number);
    }
    page += "<lab-quiz>\n\n**Loose?**\n\n- [x] An option that goes on\n  over two lines.\n\n  It has its reasons.\n\n- [ ] Another.\n\n  It too.\n\n</lab-quiz>\n\n";
    for (title, id) in [
        ("After", "after"),
        ("Summary", "summary"),
        ("Reading", "reading"),
    ] {
        page += &format!("\n## {title} {{#{id}}}\n\nWords.\n");
    }
    page
}

fn quiz(number: usize) -> String {
    format!(
        "<lab-quiz>\n\n**Question {number}?**\n\n- [ ] No {number}.\n  Because of that.\n- [x] Yes {number}.\n  Because of this {number}.\n\n</lab-quiz>\n\n"
    )
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book")
}
