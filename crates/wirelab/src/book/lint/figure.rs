//! Figures: described, coloured by the theme, legible on a phone.

use super::super::html::Element;
use super::{Findings, Page};

/// The width of the text on a phone of 390 px.
const PHONE: f64 = 350.0;
/// What can still be read there, in px.
const SMALLEST: f64 = 9.0;
/// `.note` in wirelab.css is that part of the figure's font size.
const NOTE: f64 = 0.88;

pub(super) fn check(page: &Page, findings: &mut Findings) {
    for figure in figures(page.main()) {
        check_one(page, figure, findings);
    }
}

/// Drawings that are not mdBook's own icons.
fn figures(element: &Element) -> Vec<&Element> {
    let mut found = Vec::new();
    for inner in element.elements() {
        if inner.has_class("fa-svg") || inner.has_class("blockquote-tag-title") {
            continue;
        }
        if inner.name == "svg" {
            found.push(inner);
        } else {
            found.extend(figures(inner));
        }
    }
    found
}

fn check_one(page: &Page, figure: &Element, findings: &mut Findings) {
    let title = figure.elements().find(|element| element.name == "title");
    let name = title.map(|title| title.text()).unwrap_or_default();
    let mut complain = |message: String| {
        findings.add(&page.name, None, "figure", format!("“{name}”: {message}"));
    };
    if !figure.has_class("figure") {
        complain("class=\"figure\" is missing".to_owned());
    }
    if figure.attr("role") != Some("img") {
        complain("role=\"img\" is missing".to_owned());
    }
    let named = figure.attr("aria-labelledby").unwrap_or_default();
    for part in ["title", "desc"] {
        match figure.elements().find(|element| element.name == part) {
            None => complain(format!("<{part}> is missing")),
            Some(element) if element.text().trim().is_empty() => {
                complain(format!("<{part}> is empty"));
            }
            Some(element) => {
                let id = element.attr("id").unwrap_or_default();
                if !named.split_whitespace().any(|one| one == id) {
                    complain(format!("aria-labelledby does not name the <{part}>"));
                }
            }
        }
    }
    // The title's id is `fig-04-name-t`; all others begin alike, as the page shares them.
    let prefix = title
        .and_then(|title| title.attr("id"))
        .and_then(|id| id.strip_suffix('t'))
        .filter(|prefix| prefix.starts_with("fig-") && prefix.ends_with('-'));
    if prefix.is_none() {
        complain("the <title> has no id such as fig-04-name-t".to_owned());
    }
    for element in figure.all() {
        if let (Some(prefix), Some(id)) = (prefix, element.attr("id"))
            && !id.starts_with(prefix)
        {
            complain(format!("the id `{id}` does not begin with {prefix}"));
        }
        check_colours(element, &mut complain);
    }
    check_size(figure, &mut complain);
}

fn check_colours(element: &Element, complain: &mut impl FnMut(String)) {
    if element.name == "style" {
        complain("<style>: the style sheet's classes colour figures".to_owned());
    }
    for (key, value) in &element.attrs {
        let colours = match key.as_str() {
            "fill" | "stroke" | "color" | "stop-color" | "flood-color" => {
                !matches!(
                    value.as_str(),
                    "none"
                        | "currentColor"
                        | "inherit"
                        | "transparent"
                        | "context-stroke"
                        | "context-fill"
                ) && !value.starts_with("url(#")
            }
            "style" => ["fill", "stroke", "color", "background"]
                .iter()
                .any(|word| value.contains(word)),
            _ => false,
        };
        if colours {
            complain(format!(
                "{key}=\"{value}\" is a colour of its own: use the classes client, server, kernel, trouble"
            ));
        }
    }
}

fn check_size(figure: &Element, complain: &mut impl FnMut(String)) {
    let size: Vec<f64> = figure
        .attr("viewbox")
        .unwrap_or_default()
        .split([' ', ','])
        .filter_map(|number| number.parse().ok())
        .collect();
    let [_, _, width, _] = size[..] else {
        complain("viewBox is missing".to_owned());
        return;
    };
    if width > 720.0 {
        complain(format!("the viewBox is {width} wide: 720 at most"));
    }
    let scale = (PHONE / width).min(1.0);
    // As CSS would: a text has the size of the nearest element that says one.
    fn smallest(element: &Element, size: f64) -> Option<f64> {
        let mut size = element
            .attr("font-size")
            .and_then(|text| text.trim_end_matches("px").parse().ok())
            .unwrap_or(size);
        if element.has_class("note") {
            size *= NOTE;
        }
        let own = (element.name == "text").then_some(size);
        element
            .elements()
            .filter_map(|inner| smallest(inner, size))
            .chain(own)
            .min_by(f64::total_cmp)
    }
    if let Some(least) = smallest(figure, 18.0)
        && least * scale < SMALLEST
    {
        complain(format!(
            "its smallest text is {:.1} px high on a phone: {SMALLEST} at least, so narrow the viewBox or enlarge the text",
            least * scale
        ));
    }
}
