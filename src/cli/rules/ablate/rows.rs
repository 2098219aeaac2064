//! Results: one row for each thing measured, as CSV and JSON Lines, in files that are continued.
//!
//! A row is written when it is measured, and files are only appended to, so an interrupted run leaves a beginning of the result;
//! of a line that was cut off nothing is kept. What is in a file already is not measured again.

use crate::cli::files::failed;
use loom_wasm::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// One thing measured. Sums are over the functions of the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The module's path, as it was given.
    pub module: String,
    /// The first 12 hexadecimal digits of the SHA-256 of its bytes.
    pub digest: String,
    /// Options of the run that change what is measured.
    pub options: String,
    /// The rule set: its path, or `builtin`.
    pub set: String,
    /// The same digits of the set's rules.
    pub rules: String,
    /// `all`, `none`, `theme:NAME` or `rule:NAME`: what is left out.
    pub variant: String,
    /// Unions that the rules left out make when they are there.
    pub hits: u64,
    /// Whether it was measured, or is that of `all` because nothing left out fires.
    pub measured: bool,
    /// Bytes of the code section that comes out.
    pub bytes: u64,
    /// Prices of the extracted instructions, by the objective's table.
    pub cost: u64,
    /// Instructions executed, where the module can run.
    pub fuel: Option<u64>,
    /// Nodes of all e-graphs after saturation.
    pub nodes: u64,
    /// Classes of all e-graphs after saturation.
    pub classes: u64,
    /// How often saturation reached a limit.
    pub limits: u64,
    /// Seconds of saturation, summed over threads.
    pub seconds: f64,
    /// With all rules: unions by rule. Not in CSV.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fired: Option<BTreeMap<String, u64>>,
}

/// What tells rows apart.
pub type Key = [String; 6];

/// The columns of the CSV form.
pub const COLUMNS: [&str; 15] = [
    "module", "digest", "options", "set", "rules", "variant", "hits", "measured", "bytes", "cost", "fuel",
    "nodes", "classes", "limits", "seconds",
];

impl Row {
    /// What tells it apart.
    pub fn key(&self) -> Key {
        [&self.module, &self.digest, &self.options, &self.set, &self.rules, &self.variant].map(Clone::clone)
    }

    fn to_csv(&self) -> String {
        let quoted = |text: &str| match text.contains([',', '"']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.to_owned(),
        };
        let mut cells: Vec<String> = self.key().iter().map(|t| quoted(t)).collect();
        cells.extend([
            self.hits.to_string(),
            self.measured.to_string(),
            self.bytes.to_string(),
            self.cost.to_string(),
        ]);
        cells.push(self.fuel.map_or(String::new(), |f| f.to_string()));
        cells.extend([self.nodes, self.classes, self.limits].map(|n| n.to_string()));
        cells.push(self.seconds.to_string());
        cells.join(",")
    }

    fn from_csv(line: &str) -> Option<Row> {
        let cells = cells(line)?;
        let [
            module,
            digest,
            options,
            set,
            rules,
            variant,
            hits,
            measured,
            bytes,
            cost,
            fuel,
            nodes,
            classes,
            limits,
            seconds,
        ] = <[String; 15]>::try_from(cells).ok()?;
        Some(Row {
            module,
            digest,
            options,
            set,
            rules,
            variant,
            hits: hits.parse().ok()?,
            measured: measured.parse().ok()?,
            bytes: bytes.parse().ok()?,
            cost: cost.parse().ok()?,
            fuel: if fuel.is_empty() { None } else { Some(fuel.parse().ok()?) },
            nodes: nodes.parse().ok()?,
            classes: classes.parse().ok()?,
            limits: limits.parse().ok()?,
            seconds: seconds.parse().ok()?,
            fired: None,
        })
    }
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Option<Vec<String>> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let cell;
        match rest.strip_prefix('"') {
            Some(mut inside) => {
                let mut text = String::new();
                loop {
                    let (part, after) = inside.split_once('"')?;
                    text.push_str(part);
                    match after.strip_prefix('"') {
                        Some(more) => {
                            text.push('"');
                            inside = more;
                        }
                        None => {
                            rest = after;
                            break;
                        }
                    }
                }
                cell = text;
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                cell = rest[..end].to_owned();
                rest = &rest[end..];
            }
        }
        cells.push(cell);
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None if rest.is_empty() => return Some(cells),
            None => return None,
        }
    }
}

/// The form of a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated, with a line of column names.
    Csv,
    /// A JSON object a line.
    Json,
}

/// A file of rows, open for more.
pub struct Record {
    path: PathBuf,
    form: Form,
    file: File,
    /// The rows that it has.
    pub rows: BTreeMap<Key, Row>,
}

impl Record {
    /// Opens a file, or makes it, and reads the rows in it. `head`: whether a new CSV file gets a line of column names.
    ///
    /// # Errors
    /// When the file cannot be read and written, or with the line that is no row.
    pub fn open(path: &Path, form: Form, head: bool) -> Result<Record, Error> {
        let fail = |e: std::io::Error| failed(path, &e);
        let mut file = File::options().read(true).append(true).create(true).open(path).map_err(fail)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fail)?;
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let text = std::str::from_utf8(&bytes[..whole])
            .map_err(|_| Error::new("this is no file of measurements").in_file(path.display().to_string()))?;
        let names = COLUMNS.join(",");
        let mut rows = BTreeMap::new();
        for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && *l != names) {
            let row = match form {
                Form::Csv => Row::from_csv(line),
                Form::Json => serde_json::from_str(line).ok(),
            };
            let Some(row) = row else {
                let e = Error::at_line(i as u32 + 1, 1, "this is no line of measurements");
                return Err(e.in_file(path.display().to_string()));
            };
            rows.insert(row.key(), row);
        }
        // Of a line that was cut off, nothing is kept; a file of something else was refused by now, or is one line without an end.
        if whole < bytes.len() {
            if whole == 0 && !cut_off(&bytes, form) {
                return Err(Error::new("this is no file of measurements").in_file(path.display().to_string()));
            }
            file.set_len(whole as u64).map_err(fail)?;
            file.seek(SeekFrom::End(0)).map_err(fail)?;
        }
        let mut record = Record { path: path.to_owned(), form, file, rows };
        if form == Form::Csv && whole == 0 && head {
            record.line(&names)?;
        }
        Ok(record)
    }

    /// Writes a row, if it is not there.
    pub fn add(&mut self, row: &Row) -> Result<(), Error> {
        if self.rows.contains_key(&row.key()) {
            return Ok(());
        }
        let line = match self.form {
            Form::Csv => row.to_csv(),
            Form::Json => serde_json::to_string(row).map_err(|e| Error::new(e.to_string()))?,
        };
        self.line(&line)?;
        self.rows.insert(row.key(), row.clone());
        Ok(())
    }

    fn line(&mut self, text: &str) -> Result<(), Error> {
        self.file.write_all(format!("{text}\n").as_bytes()).map_err(|e| failed(&self.path, &e))
    }
}

/// Whether bytes without an end of line may be the beginning of a file of this form.
fn cut_off(bytes: &[u8], form: Form) -> bool {
    match form {
        Form::Csv => COLUMNS.join(",").as_bytes().starts_with(bytes),
        Form::Json => bytes.starts_with(b"{\"module\":") || b"{\"module\":".starts_with(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(module: &str) -> Row {
        Row {
            module: module.to_owned(),
            digest: "0123456789ab".to_owned(),
            options: "-Oz".to_owned(),
            set: "builtin".to_owned(),
            rules: "ba9876543210".to_owned(),
            variant: "all".to_owned(),
            hits: 0,
            measured: true,
            bytes: 10,
            cost: 20,
            fuel: None,
            nodes: 30,
            classes: 25,
            limits: 0,
            seconds: 0.125,
            fired: None,
        }
    }

    #[test]
    fn rows_are_read_as_written() {
        for name in ["a.wasm", "a, b", "\"", "a\",\"b\"\"", ""] {
            let row = Row { fuel: Some(7), ..row(name) };
            assert_eq!(Row::from_csv(&row.to_csv()), Some(row.clone()), "{name}");
            let json = serde_json::to_string(&row).expect("JSON");
            assert_eq!(serde_json::from_str::<Row>(&json).ok(), Some(row));
        }
        let good = row("a").to_csv();
        for wrong in ["", "a,b", "\"a", "\"a\"b,c", &good[..good.len() - 6], &format!("{good},1")] {
            assert_eq!(Row::from_csv(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_file_is_continued() {
        let dir = tempfile::tempdir().expect("a folder");
        for (form, name) in [(Form::Csv, "r.csv"), (Form::Json, "r.jsonl")] {
            let path = dir.path().join(name);
            let mut record = Record::open(&path, form, true).expect("a new file");
            record.add(&row("a")).expect("written");
            record.add(&row("b")).expect("written");
            record.add(&row("b")).expect("there already");
            drop(record);
            let whole = std::fs::read(&path).expect("the file");
            // Cut off at every place: what is whole is read, the rest is written again, and the file is as before.
            for cut in 0..whole.len() {
                std::fs::write(&path, &whole[..cut]).expect("cut");
                let mut record = Record::open(&path, form, true).unwrap_or_else(|e| panic!("{cut}: {e}"));
                record.add(&row("a")).expect("written");
                record.add(&row("b")).expect("written");
                assert_eq!(std::fs::read(&path).expect("the file"), whole, "{name} cut at {cut}");
            }
        }
    }

    #[test]
    fn other_files_are_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        for (i, text) in ["hello", "hello\n", "a,b\nc", "{\"a\": 1}\n", "\u{fffd}\n"].into_iter().enumerate()
        {
            for form in [Form::Csv, Form::Json] {
                let path = dir.path().join(i.to_string());
                std::fs::write(&path, text).expect("a file");
                assert!(Record::open(&path, form, true).is_err(), "{text}");
                assert_eq!(std::fs::read(&path).expect("the file"), text.as_bytes());
            }
        }
    }
}
