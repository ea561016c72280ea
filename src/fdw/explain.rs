//! EXPLAIN of a scan. The danger is its plain text, which existing suites compare: without VERBOSE or
//! ANALYZE it shows the class's own lines and nothing else.

use multicorn_plan::{Count, Direction, Qual, Quantifier, SortKey, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::class;
use super::exec::{self, Scan};
use super::instance::{self, wrong_result};
use super::items::items;
use super::quals::{self, Side};
use crate::bridge::{Failure, secrets};
use crate::error::Error;
use crate::interpreter::objects;
use crate::pg::direct::plan_of;
use crate::pg::explain::Explain;
use crate::pg::modify::{Command, Target};
use crate::pg::scan_node::ScanNode;

pub(crate) fn scan(scan: &mut Scan, node: &ScanNode, explain: &Explain) -> Result<(), Error> {
    let lines = class_lines(scan, node, explain)?;
    if explain.is_text() {
        // A line within a line would lose its label and its place in the tree.
        for line in lines.iter().flat_map(|line| line.split('\n')) {
            explain.text("Multicorn", line)?;
        }
    } else if !lines.is_empty() {
        // An object of JSON has each key once.
        explain.list("Multicorn", &lines)?;
    }
    if explain.is_text() && !explain.is_verbose() && !explain.is_analyze() {
        return Ok(());
    }
    plan_lines(scan, node, explain)?;
    if explain.is_analyze() {
        let statistics = scan.statistics;
        explain.integer("Rows from Python", statistics.rows as i64)?;
        explain.integer("Batches", statistics.batches as i64)?;
        if explain.with_timing() {
            explain.milliseconds("Time in Python", statistics.time.as_secs_f64() * 1000.0)?;
        }
    }
    Ok(())
}

/// EXPLAIN of a modification, which without VERBOSE shows nothing either.
pub(crate) fn modify(target: Target, explain: &Explain) -> Result<(), Error> {
    if explain.is_text() && !explain.is_verbose() {
        return Ok(());
    }
    let instance = instance::get(target.table(), target.user()?)?;
    explain.text("Wrapper", &instance.class.name)?;
    if target.command()? == Command::Insert {
        if instance.class.has_bulk_insert && target.may_batch() {
            explain.integer("Batch Size", exec::batch_size(&instance)?.into())?;
        }
        return Ok(());
    }
    let names: Vec<String> = instance.row_id()?.columns.iter().map(|column| column.name.clone()).collect();
    explain.list("Row ID", &names)?;
    if let Some(changed) = exec::plan_of(&target)?.changed {
        let names: Vec<String> =
            changed.iter().map(|attno| instance.column_name(*attno).to_owned()).collect();
        explain.list("Changed Columns", &names)?;
    }
    Ok(())
}

/// EXPLAIN of an UPDATE or DELETE that the class does by one call; without VERBOSE the node's name says it.
pub(crate) fn direct(node: &ScanNode, explain: &Explain) -> Result<(), Error> {
    if explain.is_text() && !explain.is_verbose() {
        return Ok(());
    }
    let plan = plan_of(node)?;
    let instance = instance::get(node.table(), node.user())?;
    explain.text("Wrapper", &instance.class.name)?;
    if !plan.quals.is_empty() {
        let quals = plan.quals.iter().map(|qual| shown(qual, node, explain));
        explain.list("Exact Quals", &quals.collect::<Result<Vec<_>, Error>>()?)?;
    }
    let Some(assignments) = plan.assignments else { return Ok(()) };
    let set = assignments
        .iter()
        .map(|set| Ok(format!("{} = {}", set.column, explain.expression(node, set.index)?)));
    explain.list("Assignments", &set.collect::<Result<Vec<_>, Error>>()?)
}

fn plan_lines(scan: &Scan, node: &ScanNode, explain: &Explain) -> Result<(), Error> {
    explain.text("Wrapper", &scan.instance.class.name)?;
    let plan = scan.plan();
    if !plan.quals.is_empty() {
        let shown: Result<Vec<_>, _> = plan.quals.iter().map(|qual| shown(qual, node, explain)).collect();
        explain.list("Pushed Quals", &shown?)?;
    }
    if !plan.exact.is_empty() {
        let exact = plan.exact.iter().filter_map(|position| plan.quals.get(*position));
        let shown: Result<Vec<_>, _> = exact.map(|qual| shown(qual, node, explain)).collect();
        explain.list("Exact Quals", &shown?)?;
    }
    if !plan.local.is_empty() {
        let local = plan.local.iter();
        let shown = local.map(|(position, reason)| {
            Ok(format!("{} ({})", explain.clause(node, *position)?, reason.text()))
        });
        explain.list("Local Quals", &shown.collect::<Result<Vec<_>, Error>>()?)?;
    }
    let columns: Vec<String> =
        plan.columns.iter().map(|attno| scan.instance.column_name(*attno).to_owned()).collect();
    if !columns.is_empty() || !explain.is_text() {
        explain.list("Columns", &columns)?;
    }
    if !plan.sort.is_empty() {
        explain.list("Pushed Sort", &plan.sort.iter().map(sort_text).collect::<Vec<_>>())?;
    }
    pushed_count("Pushed Limit", plan.limit, node, explain)?;
    pushed_count("Pushed Offset", plan.offset, node, explain)
}

fn pushed_count(label: &str, count: Option<Count>, node: &ScanNode, explain: &Explain) -> Result<(), Error> {
    match count {
        None => Ok(()),
        Some(Count::Fixed(number)) => explain.integer(label, number),
        Some(Count::Expression(index)) => explain.text(label, &explain.expression(node, index)?),
    }
}

fn shown(qual: &Qual, node: &ScanNode, explain: &Explain) -> Result<String, Error> {
    let (column, operator) = (&qual.column, &qual.operator);
    Ok(match &qual.value {
        Value::Null if operator == "=" => format!("{column} IS NULL"),
        Value::Null => format!("{column} IS NOT NULL"),
        Value::Flag(set) => format!("{column} = '{}'", if *set { "t" } else { "f" }),
        Value::Truth(None) => format!("{column} {operator} UNKNOWN"),
        Value::Truth(Some(truth)) => {
            format!("{column} {operator} {}", if *truth { "TRUE" } else { "FALSE" })
        }
        Value::Expression { index, .. } => {
            let value = explain.expression(node, *index)?;
            match qual.quantifier {
                None => format!("{column} {operator} {value}"),
                Some(Quantifier::Any) => format!("{column} {operator} ANY ({value})"),
                Some(Quantifier::All) => format!("{column} {operator} ALL ({value})"),
            }
        }
    })
}

fn sort_text(key: &SortKey) -> String {
    let mut text = key.column.clone();
    if let Some(collation) = &key.collation {
        text.push_str(&format!(" COLLATE \"{collation}\""));
    }
    let descending = key.direction == Direction::Descending;
    if descending {
        text.push_str(" DESC");
    }
    if key.nulls_first != descending {
        text.push_str(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
    }
    text
}

/// The lines of the class's own `explain`. A value that only the running scan knows is UNBOUND.
fn class_lines(scan: &Scan, node: &ScanNode, explain: &Explain) -> Result<Vec<String>, Error> {
    let class = &scan.instance.class;
    if !class.has_explain {
        return Ok(Vec::new());
    }
    let counts = (known_count(scan, node, scan.plan().limit)?, known_count(scan, node, scan.plan().offset)?);
    let mut values = Vec::new();
    for qual in &scan.plan().quals {
        if let Value::Expression { index, .. } = qual.value {
            let known = node.is_known(index)?;
            values.push(if known { Some(node.evaluate(&scan.expressions, index)?) } else { None });
        }
    }
    scan.instance.call(|py, object| {
        let side = |qual: &Qual| match qual.value {
            Value::Expression { index, .. } => {
                Some(values.get(index).copied().flatten().map_or(Side::Unbound, Side::Known))
            }
            _ => None,
        };
        let quals = quals::list(py, &scan.plan().quals, side)?;
        let columns = quals::columns(py, &scan.instance, &scan.plan().columns)?;
        let keywords = keywords(py, scan, explain, counts)?;
        let result = object.call_method("explain", (quals, columns), Some(&keywords))?;
        lines(&result)
            .ok_or_else(|| Failure::from(wrong_result(class, "explain", "an iterable of str", &result)))?
    })
}

/// LIMIT or OFFSET for the class: `None` inside for one that only the running scan knows.
fn known_count(scan: &Scan, node: &ScanNode, count: Option<Count>) -> Result<Option<Option<i64>>, Error> {
    Ok(match count {
        None => None,
        Some(Count::Fixed(number)) => Some(Some(number)),
        Some(Count::Expression(index)) if node.is_known(index)? => {
            let value = node.evaluate(&scan.expressions, index)?;
            (!value.is_null).then(|| Some(value.datum.value() as i64))
        }
        Some(Count::Expression(_)) => Some(None),
    })
}

fn keywords<'py>(
    py: Python<'py>,
    scan: &Scan,
    explain: &Explain,
    (limit, offset): (Option<Option<i64>>, Option<Option<i64>>),
) -> Result<Bound<'py, PyDict>, Failure> {
    let (keywords, shape, plan) = (PyDict::new(py), scan.instance.class.explain, scan.plan());
    if shape.verbose {
        keywords.set_item("verbose", explain.is_verbose())?;
    }
    if shape.sortkeys && !plan.sort.is_empty() {
        keywords.set_item("sortkeys", quals::sort_keys(py, &plan.sort)?)?;
    }
    for (name, count, takes) in [("limit", limit, shape.limit), ("offset", offset, shape.offset)] {
        match count.filter(|_| takes) {
            None => {}
            Some(Some(number)) => keywords.set_item(name, number)?,
            Some(None) => keywords.set_item(name, class::contract(py)?.unbound.bind(py))?,
        }
    }
    Ok(keywords)
}

/// `None` if `result` is no iterable of text; None itself has no lines.
fn lines(result: &Bound<'_, PyAny>) -> Option<Result<Vec<String>, Failure>> {
    if result.is_none() {
        return Some(Ok(Vec::new()));
    }
    if result.is_instance_of::<PyString>() || result.is_instance_of::<PyBytes>() {
        return None;
    }
    let mut lines = Vec::new();
    for line in items(result).ok()? {
        match line.and_then(|line| Ok(line.str()?)) {
            Ok(text) => {
                let text = secrets::redact(result.py(), objects::readable(&text));
                // The server's text would end at a NUL.
                lines.push(text.replace('\0', "\\x00"));
            }
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Ok(lines))
}
