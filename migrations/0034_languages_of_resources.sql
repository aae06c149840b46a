-- In which order APIs were registered: people are asked about them in that order.
ALTER TABLE resources ADD COLUMN ordinal BIGINT NOT NULL DEFAULT 0;
UPDATE resources
   SET ordinal = (SELECT COUNT(*)
                    FROM resources AS earlier
                   WHERE earlier.created_at < resources.created_at
                      OR (earlier.created_at = resources.created_at AND earlier.id <= resources.id));

-- The scopes that are sensitive, and the texts in further languages, as JSON: a list of scopes; an object from a
-- scope, or "" for the name of the API, to an object from language tags to texts. Beside `scopes`, whose form
-- older releases know.
ALTER TABLE resources ADD COLUMN sensitive TEXT NOT NULL DEFAULT '[]';
ALTER TABLE resources ADD COLUMN texts TEXT NOT NULL DEFAULT '{}';
