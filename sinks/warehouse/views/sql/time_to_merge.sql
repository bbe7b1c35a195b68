-- Each merged pull request and the hours from its opening to its merge.
SELECT
    _tenant,
    (base -> 'repo') ->> 'full_name' AS repository,
    number,
    title,
    "user" ->> 'login' AS author,
    additions + deletions AS lines,
    created_at,
    merged_at,
    CAST(extract(EPOCH FROM merged_at - created_at) / 3600 AS DECIMAL(38, 2)) AS hours
FROM pull_requests
WHERE merged_at IS NOT NULL AND NOT _penstock_deleted
