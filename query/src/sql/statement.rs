//! Lets one reading statement through and nothing else, before anything is planned.
//!
//! This is the first of three fences: the plan is checked again (`SQLOptions`), and the session
//! holds no catalog, store or factory that could write or reach beyond the book.

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{self, SetExpr};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::dialect::BookDialect;
use super::error::{SqlError, translate};

/// The longest statement, in bytes.
const BYTES_MAX: usize = 256 * 1024;

/// How many operators, joins and set operations a statement may chain: each nests the plan, or an
/// expression in it, one level deeper.
const CHAIN_MAX: usize = 1_000;

/// How deep parentheses and subqueries may nest.
const NESTING_MAX: usize = 50;

/// Reads one statement that only reads.
///
/// # Errors
/// [`SqlError::NotOneStatement`], [`SqlError::NotReadOnly`], [`SqlError::Syntax`] or
/// [`SqlError::TooComplex`].
pub(crate) fn read_only(sql: &str) -> Result<Statement, SqlError> {
    if sql.len() > BYTES_MAX {
        return Err(SqlError::TooComplex { what: "long" });
    }
    let tokens = Tokenizer::new(&BookDialect, sql)
        .tokenize_with_location()
        .map_err(|error| SqlError::Syntax { message: error.to_string() })?;
    check_chain(&tokens)?;
    let parse = || {
        let builder = DFParserBuilder::new(tokens).with_dialect(&BookDialect);
        builder.with_recursion_limit(NESTING_MAX).build()?.parse_statements()
    };
    let mut statements = parse().map_err(|error| translate(&error, 0))?;
    let found = statements.len();
    match (statements.pop_front(), found) {
        (Some(statement), 1) => {
            check(&statement)?;
            Ok(statement)
        }
        _ => Err(SqlError::NotOneStatement { found }),
    }
}

/// Counts what makes trees deep: freeing a tree needs stack for every level of it.
fn check_chain(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let nests = |token: &Token| match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::JOIN
                | Keyword::SELECT
                | Keyword::COLLATE
                | Keyword::DIV
                | Keyword::XOR
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Comma
        | Token::Whitespace(_)
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon
        | Token::EOF => false,
        _ => true,
    };
    // The parser recurses from one to the next without a limit of its own.
    let explains = |token: &Token| {
        matches!(token, Token::Word(word)
            if matches!(word.keyword, Keyword::EXPLAIN | Keyword::DESCRIBE))
    };
    let count = |counts: &dyn Fn(&Token) -> bool| {
        tokens.iter().filter(|token| counts(&token.token)).count()
    };
    match count(&nests) > CHAIN_MAX || count(&explains) > NESTING_MAX {
        true => Err(SqlError::TooComplex { what: "deep" }),
        false => Ok(()),
    }
}

fn check(statement: &Statement) -> Result<(), SqlError> {
    match statement {
        Statement::Statement(statement) => check_ast(statement),
        Statement::Explain(explain) => check(&explain.statement),
        Statement::CopyTo(_) => refuse("COPY"),
        Statement::CreateExternalTable(_) => refuse("CREATE EXTERNAL TABLE"),
        Statement::Reset(_) => refuse("RESET"),
    }
}

fn check_ast(statement: &ast::Statement) -> Result<(), SqlError> {
    match statement {
        ast::Statement::Query(query) => check_query(query),
        ast::Statement::Explain { statement, .. } => check_ast(statement),
        ast::Statement::ExplainTable { .. }
        | ast::Statement::ShowTables { .. }
        | ast::Statement::ShowColumns { .. }
        | ast::Statement::ShowFunctions { .. } => Ok(()),
        other => refuse(&first_words(&other.to_string())),
    }
}

/// A query can carry writing statements (`WITH x AS (...) INSERT ...`) and row locks.
fn check_query(query: &ast::Query) -> Result<(), SqlError> {
    if !query.locks.is_empty() {
        return refuse("FOR UPDATE");
    }
    for with in query.with.iter().flat_map(|with| &with.cte_tables) {
        check_query(&with.query)?;
    }
    check_body(&query.body)
}

fn check_body(body: &SetExpr) -> Result<(), SqlError> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => refuse("SELECT INTO"),
        SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Table(_) => Ok(()),
        SetExpr::Query(query) => check_query(query),
        SetExpr::SetOperation { left, right, .. } => {
            check_body(left)?;
            check_body(right)
        }
        SetExpr::Insert(_) => refuse("INSERT"),
        SetExpr::Update(_) => refuse("UPDATE"),
        SetExpr::Delete(_) => refuse("DELETE"),
        SetExpr::Merge(_) => refuse("MERGE"),
    }
}

fn refuse(what: &str) -> Result<(), SqlError> {
    Err(SqlError::NotReadOnly { what: what.to_owned() })
}

/// Returns the leading upper-case words of a statement, such as `CREATE TABLE`.
fn first_words(statement: &str) -> String {
    let words = statement.split_whitespace();
    let is_keyword = |word: &&str| word.bytes().all(|byte| byte.is_ascii_uppercase());
    let words: Vec<&str> = words.take_while(is_keyword).take(3).collect();
    if words.is_empty() { "this statement".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_statements_pass() {
        for sql in [
            "SELECT 1",
            "select * from events;",
            "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
            "VALUES (1), (2)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "SHOW TABLES",
            "SHOW COLUMNS FROM events",
            "SHOW FUNCTIONS",
            "DESCRIBE events",
            "(SELECT 1) UNION ALL (SELECT 2)",
        ] {
            assert!(read_only(sql).is_ok(), "{sql}: {:?}", read_only(sql).err());
        }
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        for (sql, what) in [
            ("INSERT INTO events VALUES (1)", "INSERT INTO"),
            ("UPDATE events SET seq = 1", "UPDATE"),
            ("DELETE FROM events", "DELETE FROM"),
            ("DROP TABLE events", "DROP TABLE"),
            ("CREATE TABLE x AS SELECT 1", "CREATE TABLE"),
            ("CREATE VIEW x AS SELECT 1", "CREATE VIEW"),
            (
                "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
                "CREATE EXTERNAL TABLE",
            ),
            ("COPY events TO '/tmp/x.csv'", "COPY"),
            ("COPY (SELECT 1) TO '/tmp/x.csv'", "COPY"),
            ("EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/x.csv'", "COPY"),
            ("EXPLAIN INSERT INTO events VALUES (1)", "INSERT INTO"),
            ("SET datafusion.execution.batch_size = 1", "SET"),
            ("RESET datafusion.execution.batch_size", "RESET"),
            ("SHOW ALL", "SHOW ALL"),
            ("SHOW datafusion.execution.batch_size", "SHOW"),
            ("SHOW CREATE TABLE events", "SHOW CREATE TABLE"),
            ("BEGIN", "BEGIN"),
            ("PREPARE p AS SELECT 1", "PREPARE"),
            ("EXECUTE p", "EXECUTE"),
            ("TRUNCATE TABLE events", "TRUNCATE TABLE"),
            ("ANALYZE TABLE events", "ANALYZE TABLE"),
            ("SELECT * INTO x FROM events", "SELECT INTO"),
            ("SELECT * FROM events FOR UPDATE", "FOR UPDATE"),
            ("WITH x AS (SELECT 1) INSERT INTO events SELECT 1", "INSERT"),
        ] {
            match read_only(sql) {
                Err(SqlError::NotReadOnly { what: got }) => {
                    assert!(got.starts_with(what), "{sql}: {got}");
                }
                other => panic!("{sql}: {other:?}"),
            }
        }
    }

    #[test]
    fn exactly_one_statement() {
        for (sql, count) in [("", 0), (" ; ", 0), ("SELECT 1; SELECT 2", 2), ("-- nothing", 0)] {
            let error = read_only(sql).unwrap_err();
            assert!(
                matches!(error, SqlError::NotOneStatement { found } if found == count),
                "{sql}"
            );
        }
    }

    #[test]
    fn long_and_deep_statements_are_refused() {
        let deep = |sql: String| {
            let error = read_only(&sql).unwrap_err();
            assert!(matches!(error, SqlError::TooComplex { .. }), "{error}");
        };
        deep(format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500)));
        deep(format!("SELECT 1{}", " + 1".repeat(100_000)));
        deep(format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(5_000)));
        deep(format!("SELECT {}true", "NOT ".repeat(10_000)));
        deep(format!("{}SELECT 1", "EXPLAIN ".repeat(1_000)));
        deep(format!("SELECT '{}'", "x".repeat(BYTES_MAX)));
        assert!(read_only(&format!("SELECT 1 IN (1{})", ", 2".repeat(20_000))).is_ok());
    }
}
