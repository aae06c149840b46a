//! Tests: every statement uses an index, or is in the list of those that may read whole tables (THREATS EX-25,
//! DO-14).
//!
//! The statements are read from the sources of the crate, where they are literals, concatenated by `concat!` and by
//! macros that take only literals.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use sqlx_macros::FromRow;

use super::sources::sources;
use super::test_database::{TestDatabase, execute};
use super::{Db, sql};
use crate::database::db::BoundValue;

/// Tables with a handful of rows, regardless of the number of users and clients.
const SMALL: &[&str] = &[
    "acme_accounts",
    "acme_certificates",
    "authorities",
    "client_roles",
    "crls",
    "failovers",
    "jobs",
    "resources",
    "server_secrets",
    "server_secret_versions",
    "signing_keys",
    "user_roles",
    "versions",
];

/// Statements that read a whole table: the file, a part of the text, and what waits for them.
const WHOLE: &[(&str, &str, &str)] = &[
    ("operation/ahead.rs", "ORDER BY id DESC LIMIT 1000", "the start: the newest thousand"),
    (
        "operation/audit_events.rs",
        "ORDER BY id DESC",
        "the command `audit list`, from the newest on",
    ),
    ("certificates/list.rs", "WHERE subject = $1", "the command `cert show`"),
    ("certificates/list.rs", "SELECT id FROM clients", "the job `certificates`"),
    ("certificates/list.rs", "WHERE issuer = $1", "the commands of the authority"),
    (
        "certificates/list.rs",
        "WHERE public_key = $1",
        "the command `cert revoke --reason keyCompromise`",
    ),
    ("clients/mod.rs", "FROM client_secrets", "sealing anew"),
    ("clients/mod.rs", "tls_client_certificate_bound_access_tokens", "the job `certificates`"),
    ("clients/mod.rs", "SELECT metadata FROM clients", "the cache, when a client was changed"),
    ("grants/overview.rs", "SELECT EXISTS", "the start"),
    ("grants/revoked_tokens.rs", "SELECT jti", "a look at what is revoked"),
    ("certificates/shown_chains.rs", "SELECT thumbprint", "the start"),
];

/// The number of rows in each table.
const ROWS: usize = 2000;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Sign(char),
}

/// The literals, words and signs of a source file, without comments.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with('"') {
            let (text, after) = literal(&rest[1..]);
            tokens.push(Token::Text(text));
            rest = after;
        } else if let Some(after) = character(rest) {
            rest = after;
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Sign(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// The text of a literal, and the rest.
fn literal(rest: &str) -> (String, &str) {
    let (mut text, mut chars) = (String::new(), rest.char_indices());
    while let Some((at, one)) = chars.next() {
        match one {
            '"' => return (text, &rest[at + 1..]),
            '\\' => match chars.next().unwrap().1 {
                'n' => text.push('\n'),
                '\n' => {
                    let after = chars.as_str().trim_start();
                    let skipped = chars.as_str().len() - after.len();
                    while chars.as_str().len() > after.len() && skipped > 0 {
                        chars.next();
                    }
                }
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    panic!("a literal without end: {text}")
}

/// The rest after a character literal such as `'"'`; a lifetime is not one.
fn character(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix('\'')?;
    let escaped = inner.strip_prefix('\\').unwrap_or(inner);
    let after = &escaped[escaped.chars().next()?.len_utf8()..];
    after.strip_prefix('\'')
}

/// The arms of a macro: the names of its parameters, and its expansion.
type Arms = Vec<(Vec<String>, Vec<Token>)>;

/// The tokens within brackets, and where they end.
fn bracketed(tokens: &[Token], at: usize) -> (&[Token], usize) {
    let mut depth = 0;
    for (end, token) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::Sign('(' | '{' | '[') => depth += 1,
            Token::Sign(')' | '}' | ']') => depth -= 1,
            Token::Text(_) | Token::Word(_) | Token::Sign(_) => {}
        }
        if depth == 0 {
            return (&tokens[at + 1..end], end + 1);
        }
    }
    panic!("brackets without end")
}

fn arms(body: &[Token]) -> Arms {
    let (mut arms, mut at) = (Arms::new(), 0);
    while at < body.len() {
        let (pattern, after) = bracketed(body, at);
        let names = pattern.windows(2).filter_map(|two| match two {
            [Token::Sign('$'), Token::Word(name)] => Some(name.clone()),
            _ => None,
        });
        // `=>`
        let (meaning, end) = bracketed(body, after + 2);
        arms.push((names.collect(), meaning.to_vec()));
        at = end + usize::from(body.get(end) == Some(&Token::Sign(';')));
    }
    arms
}

#[derive(Default)]
struct Macros(BTreeMap<String, Arms>);

impl Macros {
    /// The text of an expression that consists of texts only, and where it ends.
    fn text(
        &self,
        tokens: &[Token],
        at: usize,
        given: &BTreeMap<String, String>,
    ) -> Option<(String, usize)> {
        match &tokens[at..] {
            [Token::Text(text), ..] => Some((text.clone(), at + 1)),
            [Token::Sign('$'), Token::Word(name), ..] => Some((given.get(name)?.clone(), at + 2)),
            [Token::Word(name), Token::Sign('!'), Token::Sign('('), ..] => {
                let (inner, end) = bracketed(tokens, at + 2);
                let (mut texts, mut next) = (Vec::new(), 0);
                while next < inner.len() {
                    let (text, after) = self.text(inner, next, given)?;
                    texts.push(text);
                    next = after + usize::from(inner.get(after) == Some(&Token::Sign(',')));
                }
                if name == "concat" {
                    return Some((texts.concat(), end));
                }
                let arms = self.0.get(name)?;
                let (names, meaning) = arms.iter().find(|(names, _)| names.len() == texts.len())?;
                let given = names.iter().cloned().zip(texts).collect();
                Some((self.text(meaning, 0, &given)?.0, end))
            }
            _ => None,
        }
    }
}

/// Files without statements of requests: opening queries the catalogues of the database.
const OTHERS: &[&str] = &[
    "plans.rs",
    "test_database.rs",
    "commits.rs",
    "decoding.rs",
    "sources.rs",
    "lib.rs",
    "database/db.rs",
    "database/open.rs",
    "database/schema.rs",
];

#[derive(Debug)]
struct Statement {
    file: String,
    text: String,
}

/// Every statement of the sources.
fn statements() -> Vec<Statement> {
    let mut files = BTreeMap::new();
    for (name, source) in sources() {
        let (source, _) = source.split_once("\n#[cfg(test)]\nmod tests").unwrap_or((&source, ""));
        if !OTHERS.contains(&name.as_str()) && !name.starts_with("database/sqlite/") {
            files.insert(name, tokens(source));
        }
    }
    let mut everywhere = Macros::default();
    let mut own: BTreeMap<&String, Macros> = BTreeMap::new();
    for (file, tokens) in &files {
        let macros = own.entry(file).or_default();
        for at in 0..tokens.len().saturating_sub(3) {
            if tokens[at] == Token::Word("macro_rules".into())
                && let Token::Word(name) = &tokens[at + 2]
            {
                let arms = arms(bracketed(tokens, at + 3).0);
                everywhere.0.insert(name.clone(), arms.clone());
                macros.0.insert(name.clone(), arms);
            }
        }
    }
    let mut statements = Vec::new();
    for (file, tokens) in &files {
        let macros = own.get_mut(file).unwrap();
        for (name, arms) in &everywhere.0 {
            macros.0.entry(name.clone()).or_insert_with(|| arms.clone());
        }
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at] == Token::Word("macro_rules".into()) {
                at = bracketed(tokens, at + 3).1;
                continue;
            }
            if let [Token::Word(call), Token::Sign('('), argument, ..] = &tokens[at..]
                && call == "sql"
            {
                let is_named = matches!(argument, Token::Word(name) if name == "statement");
                let is_text = macros.text(tokens, at + 2, &BTreeMap::new()).is_some();
                assert!(
                    is_named || is_text,
                    "{file}: a statement that is not understood: {argument:?}"
                );
            }
            let Some((text, end)) = macros.text(tokens, at, &BTreeMap::new()) else {
                at += 1;
                continue;
            };
            at = end;
            if ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "]
                .iter()
                .any(|verb| text.starts_with(verb))
            {
                statements.push(Statement { file: file.clone(), text });
            }
        }
    }
    statements
}

/// Fills every table, without foreign keys, and lets the database collect statistics.
async fn fill(database: &TestDatabase) {
    #[derive(FromRow)]
    struct Column {
        tbl: String,
        name: String,
        kind: String,
        is_needed: bool,
    }
    let is_sqlite = matches!(database.store.db(), Db::Sqlite(_));
    let columns = if is_sqlite {
        "SELECT m.name AS tbl, p.name AS name, p.type AS kind, p.\"notnull\" = 1 OR p.pk > 0 AS is_needed
           FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p
          WHERE m.type = 'table' AND m.name NOT LIKE '\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'"
    } else {
        "SELECT table_name::TEXT AS tbl, column_name::TEXT AS name, UPPER(data_type::TEXT) AS kind,
                is_nullable = 'NO' AS is_needed
           FROM information_schema.columns
          WHERE table_schema = 'public' AND table_name NOT LIKE '\\_%'"
    };
    let columns: Vec<Column> = sql(columns).fetch_all(database.store.db()).await.unwrap();
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for Column { tbl, name, kind, is_needed } in columns {
        let value = match (kind.as_str(), is_sqlite) {
            ("TEXT", _) => "'x' || i",
            ("BIGINT", _) => "i",
            ("BOOLEAN", _) => "i % 2 = 0",
            ("BYTEA", true) => "CAST('x' || i AS BLOB)",
            ("BYTEA", false) => "convert_to('x' || i, 'UTF8')",
            other => panic!("{tbl}.{name}: {other:?}"),
        };
        let value = if is_needed {
            value.to_owned()
        } else {
            format!("CASE WHEN i % 4 = 0 THEN {value} END")
        };
        tables.entry(tbl).or_default().push((name, value));
    }
    let mut texts = Vec::new();
    texts.push(
        if is_sqlite {
            "PRAGMA foreign_keys = OFF"
        } else {
            "SET session_replication_role = replica"
        }
        .to_owned(),
    );
    for (table, columns) in tables {
        let names: Vec<_> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let values: Vec<_> = columns.iter().map(|(_, value)| value.as_str()).collect();
        texts.push(format!(
            "INSERT INTO {table} ({}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
             SELECT {} FROM n WHERE true ON CONFLICT DO NOTHING",
            names.join(", "),
            values.join(", ")
        ));
    }
    texts.push("ANALYZE".to_owned());
    execute(&database.store, &texts.join(";\n")).await.unwrap();
}

/// The tables that a statement reads whole, according to the query plan.
struct Planner {
    /// The names of all tables: SQLite's plans use aliases as well.
    tables: BTreeSet<String>,
    /// Partial indexes: reading all of one does not read the whole table.
    partial: BTreeSet<String>,
    postgres: Option<PgConnection>,
}

#[derive(FromRow)]
struct Name {
    name: String,
}

impl Planner {
    async fn of(database: &TestDatabase) -> Self {
        let on = database.store.db();
        let names = async |text: &'static str| -> BTreeSet<String> {
            let names: Vec<Name> = sql(text).fetch_all(on).await.unwrap();
            names.into_iter().map(|row| row.name).collect()
        };
        if let Db::Sqlite(_) = on {
            let tables = names("SELECT name FROM sqlite_master WHERE type = 'table'").await;
            let partial = names(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'",
            )
            .await;
            return Self { tables, partial, postgres: None };
        }
        let partial = names(
            "SELECT indexrelid::regclass::TEXT AS name FROM pg_index WHERE indpred IS NOT NULL",
        )
        .await;
        let mut postgres = PgConnection::connect(database.url.expose()).await.unwrap();
        // A plan that still reads a whole table has no alternative.
        postgres.execute("SET enable_seqscan = off").await.unwrap();
        // With so few rows, joins read whole tables in which they would use an index if these were large.
        postgres.execute("SET enable_hashjoin = off").await.unwrap();
        postgres.execute("SET enable_mergejoin = off").await.unwrap();
        postgres.execute("SET plan_cache_mode = force_generic_plan").await.unwrap();
        Self { tables: BTreeSet::new(), partial, postgres: Some(postgres) }
    }

    /// Whether this database runs the statement: SQLite runs the parts of a transaction, PostgreSQL the whole.
    fn runs(&self, text: &str) -> bool {
        if self.postgres.is_some() {
            // A part has the placeholders of its own values only.
            let has = |n| {
                let placeholder = format!("${n}");
                text.split(&placeholder)
                    .skip(1)
                    .any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
            };
            let most = (1..60).rev().find(|n| has(*n)).unwrap_or(0);
            (1..=most).all(has)
        } else {
            !text.starts_with("WITH ")
                || !text.contains(" AS (INSERT") && !text.contains(" AS (UPDATE")
        }
    }

    async fn scans(&mut self, database: &TestDatabase, text: &str) -> Vec<String> {
        match &mut self.postgres {
            None => self.scans_of_sqlite(database, text).await,
            Some(postgres) => {
                let most = (1..40).rev().find(|n| text.contains(&format!("${n}"))).unwrap_or(0);
                let given = vec!["NULL"; most].join(", ");
                let given = if most == 0 { given } else { format!("({given})") };
                prepare(postgres, text, most).await;
                let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE one {given}");
                let rows = postgres.fetch_all(AssertSqlSafe(explain)).await.unwrap();
                postgres.execute("DEALLOCATE one").await.unwrap();
                let plan: String = rows[0].get_unchecked(0);
                let plan: Value = serde_json::from_str(&plan).unwrap();
                let mut scans = Vec::new();
                self.walk(&plan[0]["Plan"], &mut scans);
                scans
            }
        }
    }

    fn walk(&self, node: &Value, scans: &mut Vec<String>) {
        let text = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
        let is_whole = match text("Node Type").as_str() {
            "Seq Scan" => true,
            "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => {
                node["Index Cond"].is_null() && !self.partial.contains(&text("Index Name"))
            }
            _ => false,
        };
        if is_whole {
            scans.push(if node["Relation Name"].is_null() {
                text("Index Name")
            } else {
                text("Relation Name")
            });
        }
        for child in node["Plans"].as_array().into_iter().flatten() {
            self.walk(child, scans);
        }
    }

    async fn scans_of_sqlite(&self, database: &TestDatabase, text: &str) -> Vec<String> {
        #[derive(FromRow)]
        struct Step {
            detail: String,
        }
        let explain: &'static str =
            Box::leak(format!("EXPLAIN QUERY PLAN {text}").into_boxed_str());
        let steps: Vec<Step> = sql(explain)
            .bind_all(std::iter::repeat_n(BoundValue::Text(None), 40))
            .fetch_all(database.store.db())
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        let mut scans = Vec::new();
        for Step { detail } in &steps {
            let words: Vec<_> = detail.split(' ').collect();
            let made = |name: &str| {
                let made = [format!("CO-ROUTINE {name}"), format!("MATERIALIZE {name}")];
                steps.iter().any(|step| made.contains(&step.detail))
            };
            match words.as_slice() {
                ["SCAN", "CONSTANT", ..] => {}
                ["SCAN", _, .., "INDEX", index] if self.partial.contains(*index) => {}
                ["SCAN", name, ..] if !made(name) => {
                    scans.push(if self.tables.contains(*name) {
                        (*name).to_owned()
                    } else {
                        detail.clone()
                    });
                }
                _ => {}
            }
        }
        scans
    }
}

/// Prepares a statement as `one`. PostgreSQL infers the types of the parameters from the text; where it cannot, up
/// to two of them are numbers, as when the program binds them.
async fn prepare(postgres: &mut PgConnection, text: &str, parameters: usize) {
    let mut why = None;
    for first in 0..=parameters {
        for second in first..=parameters {
            let kind = |n| if n == first || n == second { "bigint" } else { "unknown" };
            let kinds: Vec<_> = (1..=parameters).map(kind).collect();
            let kinds =
                if kinds.is_empty() { String::new() } else { format!("({})", kinds.join(", ")) };
            match postgres.execute(AssertSqlSafe(format!("PREPARE one {kinds} AS {text}"))).await {
                Ok(_) => return,
                Err(error) => drop(why.get_or_insert(error)),
            }
        }
    }
    panic!("{why:?}: {text}");
}

/// THREATS EX-25, DO-14: no request waits for a statement that reads a whole table.
#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let database = TestDatabase::make().await;
    fill(&database).await;
    let mut planner = Planner::of(&database).await;
    let statements = statements();
    assert!(statements.len() > 150, "{}", statements.len());

    let (mut wrong, mut listed) = (Vec::new(), BTreeSet::new());
    for Statement { file, text } in &statements {
        if !planner.runs(text) {
            continue;
        }
        let mut scans = planner.scans(&database, text).await;
        scans.retain(|table| !SMALL.contains(&table.as_str()));
        if scans.is_empty() {
            continue;
        }
        let entry = WHOLE.iter().find(|(of, has, _)| of == file && text.contains(has));
        match entry {
            Some(entry) => drop(listed.insert(entry)),
            None => wrong.push(format!("{file} reads all of {scans:?}:\n{text}")),
        }
    }

    assert!(wrong.is_empty(), "{} of {}:\n\n{}", wrong.len(), statements.len(), wrong.join("\n\n"));
    let gone: Vec<_> = WHOLE.iter().filter(|entry| !listed.contains(entry)).collect();
    println!("listed and found good here: {gone:?}");
}

/// `sweep_at` is the earliest time at which a row may be over: a statement that ends a row early updates it too.
#[test]
fn every_statement_that_ends_a_grant_or_a_session_updates_sweep_at() {
    let ends = |text: &str| {
        text.starts_with("UPDATE grants SET revoked_at")
            || text.starts_with("UPDATE sessions SET ended_at")
    };
    let found: Vec<_> =
        statements().into_iter().filter(|statement| ends(&statement.text)).collect();

    assert!(found.len() > 4, "{} statements", found.len());
    for Statement { file, text, .. } in found {
        assert!(text.contains("sweep_at = $"), "{file}: {text}");
    }
}
