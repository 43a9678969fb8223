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

fn filled(text: &str, columns: &[&str], scale: bool) -> anyhow::Result<(String, Done)> {
    let course = Course::find(std::path::Path::new(env!("CARGO_MANIFEST_DIR")))?;
    let args = cli::Gradebook {
        gradebook: "x".into(),
        grades: "x".into(),
        out: "x".into(),
        column: columns.iter().map(|column| (*column).to_owned()).collect(),
        scale,
    };
    let class = class();
    let mut table = Table::parse(text);
    let telling = Telling::of(&table)?;
    let columns = super::columns(&course, &class, &table, &args)?;
    let done = fill(&mut table, &telling, &columns, &class, scale)?;
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
