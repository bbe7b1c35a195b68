-- The pull requests that were merged in each week (from Monday, UTC), by repository, and how long they had been open.
SELECT
    CAST(date_trunc('week', merged_at AT TIME ZONE 'UTC') AS DATE) AS week,
    _tenant,
    (base -> 'repo') ->> 'full_name' AS repository,
    count(*) AS merged,
    CAST(percentile_cont(0.5) WITHIN GROUP (
        ORDER BY CAST(extract(EPOCH FROM merged_at - created_at) AS DOUBLE PRECISION) / 3600
    ) AS DECIMAL(38, 2)) AS median_hours,
    CAST(percentile_cont(0.9) WITHIN GROUP (
        ORDER BY CAST(extract(EPOCH FROM merged_at - created_at) AS DOUBLE PRECISION) / 3600
    ) AS DECIMAL(38, 2)) AS ninety_percent_within_hours
FROM pull_requests
WHERE merged_at IS NOT NULL AND NOT _penstock_deleted
GROUP BY 1, 2, 3
