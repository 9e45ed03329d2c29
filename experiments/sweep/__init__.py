"""A sweep of jobs that resumes."""
