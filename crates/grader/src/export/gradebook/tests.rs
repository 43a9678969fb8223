//! What Canvas and Moodle export, filled in.

use super::*;
use crate::report::{Cell, Row, Status};

fn class() -> Class {
    let row = |student: &str, name: &str, email: &str, entry: &str, points: Option<u32>| {
        let mut cell = Cell::plain("framing", Status::Graded, None);
        cell.points = points;
        cell.score = points.map(f64::from);
        Row {
            student: student.to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
            entries: vec![entry.to_owned()],
            total: points.map(f64::from),
            max: 20.0,
            labs: vec![cell],
            ..Row::default()
        }
    };
    Class {
        version: 1,
        course: "wirelab".to_owned(),
        sandbox: "none".to_owned(),
        sandbox_notes: Vec::new(),
        toolchain: "rustc".to_owned(),
        labs: vec![report::Column {
            topic: "framing".to_owned(),
            title: "Framing".to_owned(),
            weight: 1.0,
            max_points: 20,
            max_bonus_points: 5,
            max_hidden_points: 0,
            show_hidden: course::Show::default(),
            due: None,
            checks: None,
            uncounted: Vec::new(),
        }],
        students: vec![
            row(
                "ada",
                "Ada Lovelace",
                "ada@example.org",
                "lovelaceada_1001_7_x.zip",
                Some(19),
            ),
            row("1002", "", "", "hoppergrace_1002_8_x.zip", Some(7)),
            row(
                "alan",
                "Alan Turing",
                "alan@example.org",
                "Alan Turing_4711_assignsubmission_file_",
                None,
            ),
            row("barbara", "Barbara Liskov", "", "barbara.zip", Some(25)),
            row("stranger", "", "", "stranger.zip", Some(1)),
        ],
    }
}

fn course() -> Course {
    Course::find(std::path::Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn filled(text: &str, columns: &[&str], scale: bool) -> anyhow::Result<(String, Done)> {
    filled_of(&class(), text, columns, scale)
}

fn filled_of(
    class: &Class,
    text: &str,
    columns: &[&str],
    scale: bool,
) -> anyhow::Result<(String, Done)> {
    let args = cli::Gradebook {
        gradebook: "x".into(),
        grades: "x".into(),
        out: "x".into(),
        column: columns.iter().map(|column| (*column).to_owned()).collect(),
        scale,
    };
    let mut table = Table::parse(text);
    let telling = Telling::of(&table)?;
    let columns = super::columns(&course(), class, &table, &args)?;
    let done = fill(&mut table, &telling, &columns, class, scale)?;
    Ok((table.text(), done))
}

const CANVAS: &str = "Student,ID,SIS User ID,SIS Login ID,Section,Framing (55),Notes,Final Score\r
    Points Possible,,,,,10.00,(read only),(read only)\r
\"Lovelace, Ada\",1001,,ada,S1,,\"says \"\"hi\"\", =1+1\",12\r
\"Hopper, Grace\",1002,,gh,S1,3,,\r
\"Liskov, Barbara\",1003,,bl,S1,,,\r
\"Nobody, Nora\",1004,,nn,S1,4,,\r
\"Student, Test\",1005,,x,S1,,,\r
";

#[test]
fn canvas_gets_its_own_file_back_with_one_column_filled() {
    let (text, done) = filled(CANVAS, &[], false).unwrap();
    let expected = CANVAS
        .replace("ada,S1,,", "ada,S1,19,")
        .replace("gh,S1,3,", "gh,S1,7,")
        .replace("bl,S1,,", "bl,S1,25,");
    assert_eq!(text, expected);
    assert_eq!((done.matched, done.changed), (3, 3));
    assert_eq!(done.no_row, ["alan (Alan Turing)", "stranger"]);
    assert_eq!(done.no_grade, ["Nobody, Nora", "Student, Test"]);
}

#[test]
fn points_are_reckoned_into_those_of_the_gradebook_where_that_is_asked_for() {
    let (text, _) = filled(CANVAS, &["Framing=total"], true).unwrap();
    assert!(
        text.contains("ada,S1,9.5,") && text.contains("gh,S1,3.5,"),
        "{text}"
    );
}

const MOODLE: &str = "\u{feff}Identifier,\"Full name\",\"Email address\",Status,Grade,\"Maximum Grade\",\"Feedback comments\"
\"Participant 4711\",\"Alan Turing\",alan@example.org,Submitted,5,100.00,
\"Participant 4712\",\"Ada Lovelace\",ADA@example.org,Submitted,,100.00,\"a
b\"
\"Participant 4713\",\"Barbara Liskov\",,Submitted,,100.00,";

#[test]
fn moodles_worksheet_is_matched_by_number_address_and_name() {
    let (text, done) = filled(MOODLE, &["Grade=framing"], true).unwrap();
    let expected = MOODLE
        .replace(
            "ADA@example.org,Submitted,,",
            "ADA@example.org,Submitted,95,",
        )
        .replace(
            "\"Barbara Liskov\",,Submitted,,",
            "\"Barbara Liskov\",,Submitted,125,",
        );
    assert_eq!(text, expected);
    // Its only column is that of the assignment.
    assert_eq!(filled(MOODLE, &[], true).unwrap().0, expected);
    // There is no grade of hers yet, and what was there stays.
    assert_eq!(done.no_grade, ["alan (not graded yet)"]);
}

#[test]
fn moodles_gradebook_has_first_and_last_names() {
    let text = "First name;Surname;ID number;Assignment: Framing (Real)\nAda;Lovelace;;-\nGrace;Hopper;1002;-\n";
    let (text, _) = filled(text, &[], false).unwrap();
    assert_eq!(
        text,
        "First name;Surname;ID number;Assignment: Framing (Real)\nAda;Lovelace;;19\nGrace;Hopper;1002;7\n"
    );
}

#[test]
fn who_is_excused_stays_so() {
    let excused = CANVAS
        .replace("ada,S1,,", "ada,S1,EX,")
        .replace("gh,S1,3,", "gh,S1,n/a,")
        .replace("bl,S1,,", "bl,S1, ex ,");
    let (text, done) = filled(&excused, &[], false).unwrap();
    assert_eq!(text, excused);
    assert_eq!((done.matched, done.changed), (3, 0));
    let said = done.said();
    for line in [
        "Framing (55): excused (EX): left as it was: Lovelace, Ada; Liskov, Barbara",
        "Framing (55): excused (N/A): left as it was: Hopper, Grace",
    ] {
        assert!(said.iter().any(|said| said == line), "{said:?}");
    }
}

#[test]
fn a_number_that_goes_is_said() {
    let before = CANVAS
        .replace("ada,S1,,", "ada,S1,19.00,")
        .replace("bl,S1,,", "bl,S1,late,");
    let (text, done) = filled(&before, &[], false).unwrap();
    // The same number is none that goes.
    let after = before
        .replace("gh,S1,3,", "gh,S1,7,")
        .replace("bl,S1,late,", "bl,S1,25,");
    assert_eq!(text, after);
    assert_eq!(done.changed, 2);
    assert_eq!(
        done.replaced,
        [
            "Hopper, Grace, Framing (55): 3 → 7",
            "Liskov, Barbara, Framing (55): late → 25"
        ]
    );
    // Of many the first ones.
    let mut class = class();
    let row = class.students.remove(0);
    class.students = (10..22)
        .map(|number| Row {
            student: number.to_string(),
            entries: Vec::new(),
            ..row.clone()
        })
        .collect();
    let rows: String = (10..22).map(|number| format!("{number},4\n")).collect();
    let (_, done) = filled_of(&class, &format!("ID,Framing\n{rows}"), &[], false).unwrap();
    let said = done.said();
    assert_eq!(said.len(), 11, "{said:?}");
    assert_eq!(said[9], "19, Framing: 4 → 19");
    assert_eq!(said[10], "and 2 cells more that got another number");
    // What Moodle writes for nothing is nothing.
    let (_, done) = filled("ID,Framing\n1001,-\n", &[], false).unwrap();
    assert_eq!((done.changed, done.replaced.len()), (1, 0));
}

#[test]
fn other_points_in_the_gradebook_are_said_once() {
    let warned = |text: &str, columns: &[&str], scale| {
        let (_, done) = filled(text, columns, scale).unwrap();
        let said = done.said().into_iter();
        said.filter(|line| line.starts_with("warning"))
            .collect::<Vec<_>>()
    };
    let canvas = "warning: Framing (55): 10 points can be had there, and 20 here; --scale turns the one into the other";
    assert_eq!(warned(CANVAS, &[], false), [canvas]);
    assert_eq!(warned(CANVAS, &["Framing=total"], false), [canvas]);
    assert_eq!(warned(CANVAS, &[], true), [""; 0]);
    assert_eq!(
        warned(&CANVAS.replace("10.00", "20.00"), &[], false),
        [""; 0]
    );
    assert_eq!(
        warned(&CANVAS.replace("10.00", "(read only)"), &[], false),
        [""; 0]
    );
    assert_eq!(
        warned(MOODLE, &["Grade=framing"], false),
        [
            "warning: Grade: 100 points can be had there, and 20 here; --scale turns the one into the other"
        ]
    );
}

/// Which heading, if any, is each lab's.
fn headings_of(labs: &[(&str, &str)], headings: &[&str]) -> Vec<Option<usize>> {
    let mut class = class();
    let column = class.labs.remove(0);
    let lab = |(topic, title): &(&str, &str)| report::Column {
        topic: (*topic).to_owned(),
        title: (*title).to_owned(),
        ..column.clone()
    };
    class.labs = labs.iter().map(lab).collect();
    let headings: Vec<String> = headings.iter().map(|text| (*text).to_owned()).collect();
    let found = named(&course(), &class, &headings);
    let index = |place| {
        let mut found = found.iter();
        found.find(|column| column.what == What::Lab(place))
    };
    let places = 0..labs.len();
    places
        .map(|place| index(place).map(|column| column.index))
        .collect()
}

#[test]
fn a_heading_may_have_other_signs_between_its_letters() {
    let labs = [
        ("tcp-echo", "A TCP echo, call by call"),
        ("first-contact", "First contact: an echo"),
    ];
    let found = |headings: &[&str]| headings_of(&labs, headings);
    let both = [Some(2), Some(1)];
    assert_eq!(found(&["ID", "First contact", "TCP echo"]), both);
    assert_eq!(found(&["ID", "00 First Contact (7)", "tcp_echo (9)"]), both);
    assert_eq!(
        found(&[
            "ID",
            "Assignment: first contact - an echo (Real)",
            "04: TCP Echo"
        ]),
        both
    );
    assert_eq!(found(&["ID", "First", "TCP echo 2"]), [None, None]);
    // The name as it is goes before; of two that are only like it neither is taken.
    assert_eq!(found(&["TCP echo", "tcp-echo"]), [Some(1), None]);
    assert_eq!(found(&["TCP echo", "TCP Echo!"]), [None, None]);
}

#[test]
fn a_heading_that_fits_two_labs_fits_none() {
    let labs = [("tcp-echo", "Echo"), ("udp", "TCP: echo"), ("names", "--")];
    let found = headings_of(&labs, &["tcp-echo", "--", "echo"]);
    assert_eq!(found, [Some(2), None, None]);
}

#[test]
fn a_name_takes_nobody_elses_grade() {
    let rows = |text: &str| {
        let (text, done) = filled(&format!("Student,ID,Framing\n{text}"), &[], false).unwrap();
        (text.lines().skip(1).collect::<Vec<_>>().join(" "), done)
    };
    // A number that somebody calls himself.
    let (text, done) = rows("1001,1002,\n1002,1004,\n");
    assert_eq!(text, "1001,1002,7 1002,1004,");
    assert_eq!(done.no_grade, ["1002"]);
    assert_eq!(done.no_row.len(), 4);
    // Somebody else's name, beside that one and without.
    let (text, done) = rows("Ada Lovelace,1004,\n\"Lovelace, Ada\",1001,\n");
    assert_eq!(text, "Ada Lovelace,1004, \"Lovelace, Ada\",1001,19");
    assert_eq!(done.no_grade, ["Ada Lovelace"]);
    let (text, done) = rows("Ada Lovelace,1002,\n");
    assert_eq!(text, "Ada Lovelace,1002,");
    assert_eq!(
        done.no_grade,
        ["Ada Lovelace, whose columns mean 1002, ada"]
    );
    // Which takes nothing from whose name it is.
    let (text, _) = rows("Barbara Liskov,1002,\nBarbara Liskov,1003,\n");
    assert_eq!(text, "Barbara Liskov,1002, Barbara Liskov,1003,25");
    // What an entry has for a name is no id.
    let (text, _) = rows("Nora,hoppergrace,\n\"Hopper, Grace\",1002,\n");
    assert_eq!(text, "Nora,hoppergrace, \"Hopper, Grace\",1002,7");
}

#[test]
fn what_is_in_doubt_is_asked_for() {
    let error =
        |text: &str, columns: &[&str]| filled(text, columns, false).err().unwrap().to_string();
    assert!(error("Student,ID,Essay\nA,1,\n", &[]).contains("--column HEADING=LAB"));
    assert!(error("Student,ID,Essay\nA,1,\n", &["Quiz=framing"]).contains("no column \"Quiz\""));
    assert!(error("Student,ID,Essay\nA,1,\n", &["Essay=tcp-echo"]).contains("was not graded"));
    assert!(error("Colour,Framing\nred,\n", &[]).contains("tells who a row is"));
    assert!(error("ID,Framing\n1001,\nada,\n", &[]).contains("two rows are ada"));
}
