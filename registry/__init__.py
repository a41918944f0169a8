"""Models, their versions, environments, policies with gates, promotions, deployments and receipts."""
