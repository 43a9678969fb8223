//! Quizzes: a question, options, and a reason for each of them.

use super::super::html::{Element, Node};
use super::{Findings, Page};

/// How many a chapter asks at least.
const LEAST: usize = 5;

pub(super) fn check(page: &Page, findings: &mut Findings) {
    let quizzes = page.main().find("lab-quiz");
    if page.chapter().is_some() && quizzes.len() < LEAST {
        findings.add(
            &page.name,
            None,
            "quiz",
            format!(
                "{} quiz questions: a chapter has {LEAST} or more",
                quizzes.len()
            ),
        );
    }
    for quiz in quizzes {
        check_one(page, quiz, findings);
    }
}

fn check_one(page: &Page, quiz: &Element, findings: &mut Findings) {
    let question = quiz
        .elements()
        .next()
        .filter(|first| first.name != "ul")
        .map(|first| first.text())
        .unwrap_or_default();
    let name = question.trim().to_owned();
    let mut complain = |message: String| {
        findings.add(&page.name, None, "quiz", format!("“{name}”: {message}"));
    };
    if name.is_empty() {
        complain("a quiz without a question above its options".to_owned());
    }
    let Some(list) = quiz.elements().find(|element| element.name == "ul") else {
        complain("no options: write a task list, and blank lines around it".to_owned());
        return;
    };
    let mut right = 0;
    let mut count = 0;
    for item in list.elements().filter(|element| element.name == "li") {
        count += 1;
        let option = Option::of(item);
        match option.ticked {
            None => complain(format!("`{}` has no box: `- [ ]` or `- [x]`", option.text)),
            Some(true) => right += 1,
            Some(false) => {}
        }
        if option.why.trim().is_empty() {
            complain(format!(
                "`{}` has no explanation: write it on the next line, indented",
                option.text
            ));
        }
    }
    if right == 0 {
        complain("no option is right: tick one, `- [x]`".to_owned());
    }
    if count < 2 {
        complain(format!("{count} options: a question has two or more"));
    }
}

/// An item of the list, divided as the quiz's script divides it.
struct Option {
    ticked: std::option::Option<bool>,
    text: String,
    why: String,
}

impl Option {
    fn of(item: &Element) -> Option {
        let ticked = item
            .all()
            .into_iter()
            .find(|element| element.name == "input")
            .map(|input| input.attr("checked").is_some());
        let blocks: Vec<&Element> = item.elements().filter(|e| is_block(e)).collect();
        if let [first, rest @ ..] = &blocks[..]
            && first.name == "p"
            && !rest.is_empty()
        {
            return Option {
                ticked,
                text: first.text().trim().to_owned(),
                why: rest.iter().map(|block| block.text()).collect(),
            };
        }
        let line = match &blocks[..] {
            [only] if only.name == "p" => only,
            _ => item,
        };
        let (mut text, mut why) = (String::new(), String::new());
        let mut ended = false;
        for node in &line.children {
            match node {
                Node::Element(element) if ended || is_block(element) => {
                    ended = true;
                    why += &element.text();
                }
                Node::Element(element) => text += &element.text(),
                Node::Text(more) if ended => why += more,
                Node::Text(more) => {
                    let more = if text.trim().is_empty() {
                        more.trim_start()
                    } else {
                        more
                    };
                    match more.split_once('\n') {
                        Some((before, after)) => {
                            ended = true;
                            text += before;
                            why += after;
                        }
                        None => text += more,
                    }
                }
            }
        }
        Option {
            ticked,
            text: text.trim().to_owned(),
            why,
        }
    }
}

fn is_block(element: &Element) -> bool {
    matches!(
        element.name.as_str(),
        "p" | "pre" | "ul" | "ol" | "blockquote" | "div" | "details"
    )
}
