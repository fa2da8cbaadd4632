//! A TOML file as a tree in which every key and value knows its line.

use super::{Problems, TenantFiles, utf8};
use std::{collections::BTreeMap, ops::Range};
use toml_edit::{Document, Item, TableLike, Value};

/// A value and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub line: usize,
    pub value: Toml,
}

/// The kinds of value.
#[derive(Debug, Clone)]
pub(super) enum Toml {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Datetime(String),
    Array(Vec<Node>),
    /// Key, the key's line, value; in the order of the file.
    Table(Vec<(String, usize, Node)>),
}

impl Toml {
    /// What an author would call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Datetime(_) => "a date or time without quotes",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A file.
#[derive(Debug)]
pub(super) struct Source {
    file: String,
    pub root: Node,
}

impl Source {
    /// A file that is not there.
    pub(super) fn absent(file: &str) -> Self {
        Self { file: file.to_owned(), root: Node { line: 1, value: Toml::Table(Vec::new()) } }
    }

    /// Reads a file; what is not TOML is a problem at its line.
    pub(super) fn open(files: &TenantFiles, file: &str, problems: &mut Problems) -> Option<Self> {
        let text = utf8(files, file, problems)?;
        let lines = Lines::of(text);
        match Document::parse(text) {
            Ok(document) => {
                Some(Self { file: file.to_owned(), root: Node { line: 1, value: lines.table(document.as_table(), 1) } })
            }
            Err(error) => {
                let message = error.message().trim().replace('\n', ", ");
                problems.add(file, error.span().map(|s| lines.at(s.start)), format!("not TOML: {message}"));
                None
            }
        }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The line of a path (`home.tiles[2].client`), or of the nearest thing above it that is there.
    pub(super) fn line(&self, path: &str) -> Option<usize> {
        let mut node = &self.root;
        let mut line = None;
        for step in path.split(['.', '[']).filter(|s| !s.is_empty()) {
            let next = match (&node.value, step.strip_suffix(']')) {
                (Toml::Array(items), Some(index)) => {
                    index.parse().ok().and_then(|i: usize| items.get(i)).map(|n| (n.line, n))
                }
                (Toml::Table(entries), None) => entries.iter().find(|(k, ..)| k == step).map(|(_, at, n)| (*at, n)),
                _ => None,
            };
            match next {
                Some((at, found)) => (line, node) = (Some(at), found),
                None => break,
            }
        }
        line
    }

    /// All texts, by dotted key; anything else is a problem.
    pub(super) fn flat_texts(&self, problems: &mut Problems) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        flatten(&self.file, "", &self.root, &mut all, problems);
        all
    }
}

fn flatten(file: &str, prefix: &str, node: &Node, all: &mut BTreeMap<String, String>, problems: &mut Problems) {
    let Toml::Table(entries) = &node.value else { return };
    for (key, line, value) in entries {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match &value.value {
            Toml::Text(text) => {
                if all.insert(key.clone(), text.clone()).is_some() {
                    problems.add(file, Some(*line), format!("{key} stands here twice"));
                }
            }
            Toml::Table(_) => flatten(file, &key, value, all, problems),
            other @ (Toml::Integer(_) | Toml::Float(_) | Toml::Boolean(_) | Toml::Datetime(_) | Toml::Array(_)) => {
                problems.add(file, Some(*line), format!("{key}: expected a text in quotes, found {}", other.name()))
            }
        }
    }
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect())
    }

    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|begin| *begin <= offset)
    }

    fn first(&self, span: Option<Range<usize>>, above: usize) -> usize {
        span.map_or(above, |s| self.at(s.start))
    }

    fn table(&self, table: &dyn TableLike, above: usize) -> Toml {
        let mut entries = Vec::new();
        for (name, _) in table.iter() {
            let Some((key, item)) = table.get_key_value(name) else { continue };
            let value = self.item(item, self.first(key.span(), above));
            // a `[table]`'s key knows its header's line; a dotted key may not know any, then its value does
            let line = if key.span().is_some() { self.first(key.span(), above) } else { value.line };
            entries.push((name.to_owned(), line, value));
        }
        Toml::Table(entries)
    }

    fn item(&self, item: &Item, above: usize) -> Node {
        let line = self.first(item.span(), above);
        let value = match item {
            Item::None => Toml::Table(Vec::new()),
            Item::Value(value) => return self.value(value, above),
            Item::Table(table) => self.table(table, line),
            Item::ArrayOfTables(tables) => Toml::Array(
                tables
                    .iter()
                    .map(|table| {
                        let line = self.first(table.span(), line);
                        Node { line, value: self.table(table, line) }
                    })
                    .collect(),
            ),
        };
        Node { line, value }
    }

    fn value(&self, value: &Value, above: usize) -> Node {
        let line = self.first(value.span(), above);
        let value = match value {
            Value::String(text) => Toml::Text(text.value().clone()),
            Value::Integer(number) => Toml::Integer(*number.value()),
            Value::Float(number) => Toml::Float(*number.value()),
            Value::Boolean(truth) => Toml::Boolean(*truth.value()),
            Value::Datetime(time) => Toml::Datetime(time.value().to_string()),
            Value::Array(items) => Toml::Array(items.iter().map(|item| self.value(item, line)).collect()),
            Value::InlineTable(table) => self.table(table, line),
        };
        Node { line, value }
    }
}
