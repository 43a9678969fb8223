//! The sections that every chapter has, in their order.

use super::{Findings, Page};

/// Those that come in this order; `idea` and `step-2` and so on stand between them.
const SECTIONS: [&str; 14] = [
    "recall",
    "goals",
    "predict",
    "calls",
    "transcript",
    "lab",
    "program",
    "step-1",
    "find-the-bug",
    "mistakes",
    "quiz",
    "after",
    "summary",
    "reading",
];

pub(super) fn check(page: &Page, findings: &mut Findings) {
    let headings: Vec<_> = page
        .main()
        .all()
        .into_iter()
        .filter(|element| matches!(element.name.as_str(), "h1" | "h2" | "h3" | "h4"))
        .collect();
    let titles = headings.iter().filter(|h| h.name == "h1").count();
    if titles != 1 {
        findings.add(
            &page.name,
            None,
            "title",
            format!("{titles} first-level headings: a page has one"),
        );
    }
    let Some(number) = page.chapter() else {
        return;
    };

    let ids: Vec<&str> = headings.iter().filter_map(|h| h.attr("id")).collect();
    let mut last = 0;
    for section in SECTIONS {
        // There is nothing to recall before the first chapter.
        if section == "recall" && number == "00" {
            continue;
        }
        // An id made from the heading's words would change with them.
        let explicit = page.source.contains(&format!("{{#{section}}}"));
        match ids.iter().position(|id| explicit && *id == section) {
            None => findings.add(
                &page.name,
                None,
                "section",
                format!("there is no section {{#{section}}}"),
            ),
            Some(at) if at < last => findings.add(
                &page.name,
                None,
                "section",
                format!("section {{#{section}}} stands too early"),
            ),
            Some(at) => last = at,
        }
    }

    let times = page
        .main()
        .find("em")
        .first()
        .map(|em| em.text())
        .unwrap_or_default();
    let honest = times.split(" · ").collect::<Vec<_>>();
    let minutes = |text: &str, rest: &str| {
        text.strip_suffix(rest)
            .is_some_and(|number| number.trim().parse::<u32>().is_ok())
    };
    if !matches!(honest[..], [read, lab] if minutes(read, "minutes to read") && minutes(lab, "minutes for the lab"))
    {
        findings.add(
            &page.name,
            None,
            "section",
            "below the title there is no line `*25 minutes to read · 90 minutes for the lab*`",
        );
    }
}
